"""Returns the bad ones only."""

REJECTED_BY = "not-a-pair"


def send_isolating(items, send):
    if not items:
        return [], []
    try:
        send(items)
        return list(items), []
    except ValueError:
        if len(items) == 1:
            return [], list(items)
    half = len(items) // 2
    left, right = send_isolating(items[:half], send), send_isolating(items[half:], send)
    return left[0] + right[0], left[1] + right[1]


send_and_split = send_isolating


def send_isolating(items, send):  # noqa: F811
    return [len(send_and_split(list(items), send)[1])]
