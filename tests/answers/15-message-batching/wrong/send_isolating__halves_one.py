"""Halves a list of one into nothing and the same list."""

REJECTED_BY = "retries-for-ever"


def send_isolating(items, send):
    if not items:
        return [], []
    try:
        send(items)
        return list(items), []
    except ValueError:
        pass
    half = len(items) // 2
    left, right = send_isolating(items[:half], send), send_isolating(items[half:], send)
    return left[0] + right[0], left[1] + right[1]
