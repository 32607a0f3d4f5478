"""Finds a bad item, removes it, and sends all the others together, accepted halves included."""

REJECTED_BY = "stored-twice"


def send_isolating(items, send):
    items, bad = list(items), []
    while items:
        try:
            send(items)
            break
        except ValueError:
            low, high = 0, len(items)
        while high - low > 1:
            middle = (low + high) // 2
            try:
                send(items[low:middle])
                low = middle
            except ValueError:
                high = middle
        bad.append(items.pop(low))
    return items, bad
