"""Keeps the items in sets: a dict cannot be in one, and equal items are one."""

REJECTED_BY = "raised"


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
    bad = set(left[1]) | set(right[1])
    return [i for i in items if i not in bad], [i for i in items if i in bad]
