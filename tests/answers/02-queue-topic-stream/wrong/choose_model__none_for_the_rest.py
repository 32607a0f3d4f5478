"""Forgets to return something in the last case."""

REJECTED_BY = "not-a-model"


def choose_model(need):
    if need["read_again"]:
        return "stream"
    if need["parties"] == 1:
        return "queue"
    if need["may_miss"]:
        return "pubsub"
