"""Removes all messages with the same text."""

REJECTED_BY = "acks-all-equal"


def drain(r, q, mine, handler, *, deadline, clock):
    done = failed = back = 0
    while clock() < deadline and (message := r.lindex(mine, failed)) is not None:
        try:
            handler(message)
        except Exception:
            failed += 1
            continue
        r.lrem(mine, 0, message)
        done += 1
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back
