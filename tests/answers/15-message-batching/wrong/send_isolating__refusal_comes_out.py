"""Catches the refusal of the whole and not those of the halves."""

REJECTED_BY = "refusal-comes-out"


def send_isolating(items, send):
    if not items:
        return [], []
    try:
        send(items)
        return list(items), []
    except ValueError:
        half = len(items) // 2
    if half:
        send(items[:half])
    send(items[half:])
    return list(items), []
