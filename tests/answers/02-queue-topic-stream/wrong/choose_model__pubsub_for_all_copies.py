"""Several parties: Pub/Sub, whether or not they may miss anything."""

REJECTED_BY = "misses-while-down"


def choose_model(need):
    return "queue" if need["parties"] == 1 else "pubsub"
