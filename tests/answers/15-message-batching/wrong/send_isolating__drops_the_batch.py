"""Calls the whole batch bad."""

REJECTED_BY = "drops-good-items"


def send_isolating(items, send):
    if not items:
        return [], []
    try:
        send(items)
        return list(items), []
    except ValueError:
        return [], list(items)
    half = len(items) // 2
    left, right = send_isolating(items[:half], send), send_isolating(items[half:], send)
    return left[0] + right[0], left[1] + right[1]
