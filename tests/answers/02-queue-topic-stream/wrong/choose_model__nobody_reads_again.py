"""Does not ask whether anybody reads again."""

REJECTED_BY = "no-reread"


def choose_model(need):
    if need["parties"] == 1:
        return "queue"
    return "pubsub" if need["may_miss"] else "stream"
