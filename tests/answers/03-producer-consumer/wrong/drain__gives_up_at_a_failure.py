"""The first exception ends the drain."""

REJECTED_BY = "stops-at-a-failure"


def drain(r, q, mine, handler, *, deadline, clock):
    done = failed = back = 0
    while clock() < deadline and (message := r.lindex(mine, failed)) is not None:
        try:
            handler(message)
        except Exception:
            break
        r.lrem(mine, 1, message)
        done += 1
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back
