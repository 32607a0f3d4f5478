"""Believes that only a log keeps an order."""

REJECTED_BY = "stream-for-order"


def choose_model(need):
    if need["read_again"] or need["in_order"]:
        return "stream"
    if need["parties"] == 1:
        return "queue"
    return "pubsub" if need["may_miss"] else "stream"
