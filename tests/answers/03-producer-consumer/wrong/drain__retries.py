"""Tries a message again and again while there is time."""

REJECTED_BY = "retries-a-failure"


def drain(r, q, mine, handler, *, deadline, clock):
    done = back = 0
    while clock() < deadline and (message := r.lindex(mine, 0)) is not None:
        try:
            handler(message)
        except Exception:
            continue
        r.lpop(mine)
        done += 1
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back
