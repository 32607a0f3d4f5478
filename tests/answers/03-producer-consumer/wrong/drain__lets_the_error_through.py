"""An exception of the handler ends it all, and nothing is handed back."""

REJECTED_BY = "stops-at-a-failure"


def drain(r, q, mine, handler, *, deadline, clock):
    done = back = 0
    while clock() < deadline and (message := r.lindex(mine, 0)) is not None:
        handler(message)
        r.lpop(mine)
        done += 1
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back
