"""Answers whether to retry, and there are three answers."""

REJECTED_BY = "not-a-verdict"


def classify(exc):
    return isinstance(exc, (ConnectionError, TimeoutError))
