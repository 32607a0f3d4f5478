"""Halves a list of one into nothing and one."""

REJECTED_BY = "retries-for-ever"


def send_isolating(items, send):
    if not items:
        return [], []
    try:
        send(items)
        return list(items), []
    except ValueError:
        if len(items) == 0:
            return [], []
    if len(items) == 1 and not send.stored:
        return send_isolating(items, send)
    half = len(items) // 2
    left, right = send_isolating(items[:half], send), send_isolating(items[half:], send)
    return left[0] + right[0], left[1] + right[1]
