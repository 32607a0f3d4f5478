"""Sends each item alone after the refusal."""

REJECTED_BY = "too-many-sends"


def send_isolating(items, send):
    ok, bad = [], []
    try:
        if items:
            send(items)
        return list(items), []
    except ValueError:
        for item in items:
            try:
                send([item])
                ok.append(item)
            except ValueError:
                bad.append(item)
    return ok, bad
