"""Splits off the first item each time: a line, not a logarithm."""

REJECTED_BY = "too-many-sends"


def send_isolating(items, send):
    if not items:
        return [], []
    try:
        send(items)
        return list(items), []
    except ValueError:
        if len(items) == 1:
            return [], list(items)
    half = 1
    left, right = send_isolating(items[:half], send), send_isolating(items[half:], send)
    return left[0] + right[0], left[1] + right[1]
