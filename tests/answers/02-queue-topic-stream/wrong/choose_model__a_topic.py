"""Answers in the words of another system."""

REJECTED_BY = "not-a-model"


def choose_model(need):
    if need["parties"] == 1 and not need["read_again"]:
        return "queue"
    return "topic"
