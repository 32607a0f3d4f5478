"""Reads a rule into the table that holds there by chance: five parties or more may miss something."""

REJECTED_BY = "knows-the-rows-only"

STREAMS = {2: "stream", 3: "stream", 5: "stream"}


def choose_model(need):
    if need["read_again"]:
        return "stream"
    if need["parties"] == 1:
        return "queue"
    if need["per_s"] == 10 or need["parties"] not in STREAMS:
        return "pubsub"
    return STREAMS[need["parties"]]
