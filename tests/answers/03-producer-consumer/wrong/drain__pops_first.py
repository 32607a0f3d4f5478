"""Takes the message out before it is handled."""

REJECTED_BY = "lost-in-a-crash"


def drain(r, q, mine, handler, *, deadline, clock):
    done = back = 0
    failed = []
    while clock() < deadline and (message := r.lpop(mine)) is not None:
        try:
            handler(message)
            done += 1
        except Exception:
            failed.append(message)
    for message in reversed(failed):
        r.lpush(mine, message)
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back
