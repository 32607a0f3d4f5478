"""Whatever may be missed goes over Pub/Sub, work included."""

REJECTED_BY = "pubsub-for-work"


def choose_model(need):
    if need["may_miss"]:
        return "pubsub"
    if need["read_again"] or need["parties"] > 1:
        return "stream"
    return "queue"
