"""Takes for good what is not equal to a bad one, in the order of a set."""

REJECTED_BY = "wrong-lists"


def isolate(items, send):
    if not items:
        return [], []
    try:
        send(items)
        return list(items), []
    except ValueError:
        if len(items) == 1:
            return [], list(items)
    half = len(items) // 2
    left, right = isolate(items[:half], send), isolate(items[half:], send)
    return left[0] + right[0], left[1] + right[1]


def send_isolating(items, send):
    ok, bad = isolate(items, send)
    return sorted(ok, key=repr), sorted(bad, key=repr)
