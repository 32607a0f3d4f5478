"""Acknowledges in a finally block."""

REJECTED_BY = "acks-failures"


def drain(r, q, mine, handler, *, deadline, clock):
    done = back = 0
    while clock() < deadline and (message := r.lindex(mine, 0)) is not None:
        try:
            handler(message)
            done += 1
        except Exception:
            continue
        finally:
            r.lpop(mine)
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back
