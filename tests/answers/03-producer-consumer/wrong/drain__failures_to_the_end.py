"""Rotates a failed message to the end of its own list."""

REJECTED_BY = "failures-out-of-order"


def drain(r, q, mine, handler, *, deadline, clock):
    done = failed = back = 0
    for _ in range(r.llen(mine)):
        if clock() >= deadline:
            break
        message = r.lindex(mine, 0)
        try:
            handler(message)
        except Exception:
            r.lmove(mine, mine, "LEFT", "RIGHT")
            continue
        r.lpop(mine)
        done += 1
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back
