"""Estimates that the next message takes 0.1 s and does not begin it."""

REJECTED_BY = "stops-at-once"


def drain(r, q, mine, handler, *, deadline, clock):
    done = failed = back = 0
    while clock() + 0.1 < deadline and (message := r.lindex(mine, failed)) is not None:
        try:
            handler(message)
        except Exception:
            failed += 1
            continue
        r.lrem(mine, 1, message)
        done += 1
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back
