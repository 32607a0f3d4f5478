"""Finds one bad item by halving and takes the other half to be good, without sending it."""

REJECTED_BY = "drops-good-items"


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
    left = send_isolating(items[:half], send)
    right = (list(items[half:]), []) if left[1] else send_isolating(items[half:], send)
    return left[0] + right[0], left[1] + right[1]
