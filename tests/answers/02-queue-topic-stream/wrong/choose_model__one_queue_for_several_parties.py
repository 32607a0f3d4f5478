"""All parties read from one queue (W1: two services share what each should see)."""

REJECTED_BY = "splits-the-copies"


def choose_model(need):
    if need["read_again"]:
        return "stream"
    return "queue"
