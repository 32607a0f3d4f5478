"""Does not remove what is done: it is handed back as well."""

REJECTED_BY = "never-acks"


def drain(r, q, mine, handler, *, deadline, clock):
    done = back = 0
    for message in r.lrange(mine, 0, -1):
        if clock() >= deadline:
            break
        handler(message)
        done += 1
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back
