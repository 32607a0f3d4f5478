"""Never sends a batch at all."""

REJECTED_BY = "too-many-sends"


def send_isolating(items, send):
    ok, bad = [], []
    for item in items:
        try:
            send([item])
            ok.append(item)
        except ValueError:
            bad.append(item)
    return ok, bad
