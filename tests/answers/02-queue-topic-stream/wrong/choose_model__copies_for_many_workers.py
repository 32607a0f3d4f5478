"""Takes the workers of one party for parties (W2: as many copies as workers)."""

REJECTED_BY = "pubsub-for-work"


def choose_model(need):
    if need["read_again"]:
        return "stream"
    if need["workers"] > 1 and need["parties"] == 1:
        return "pubsub"
    return "queue" if need["parties"] == 1 else "pubsub" if need["may_miss"] else "stream"
