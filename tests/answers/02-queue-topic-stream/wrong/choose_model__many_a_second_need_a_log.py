"""Believes that high rates need a log."""

REJECTED_BY = "stream-for-rate"


def choose_model(need):
    if need["read_again"] or need["per_s"] >= 1000:
        return "stream"
    if need["parties"] == 1:
        return "queue"
    return "pubsub" if need["may_miss"] else "stream"
