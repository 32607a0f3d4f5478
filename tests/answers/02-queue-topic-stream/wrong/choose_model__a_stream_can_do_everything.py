"""A stream can do everything, so it is never wrong."""

REJECTED_BY = "keeps-too-much"


def choose_model(need):
    return "stream"
