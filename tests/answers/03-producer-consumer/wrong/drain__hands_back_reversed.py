"""Hands back from the head of its list to the head of the queue."""

REJECTED_BY = "hands-back-reversed"


def drain(r, q, mine, handler, *, deadline, clock):
    done = failed = back = 0
    while clock() < deadline and (message := r.lindex(mine, failed)) is not None:
        try:
            handler(message)
        except Exception:
            failed += 1
            continue
        r.lrem(mine, 1, message)
        done += 1
    while r.lmove(mine, q, "LEFT", "LEFT") is not None:
        back += 1
    return done, back
