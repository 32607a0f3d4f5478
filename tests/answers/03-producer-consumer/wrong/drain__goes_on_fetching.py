"""Takes new messages while there is time."""

REJECTED_BY = "takes-new-work"


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
    while clock() < deadline and (message := r.lmove(q, mine, "LEFT", "RIGHT")) is not None:
        handler(message)
        r.lrem(mine, 1, message)
        done += 1
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back
