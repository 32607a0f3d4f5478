"""Copies the rest to the queue and deletes its list afterwards."""

REJECTED_BY = "copies-the-rest"


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
    rest = r.lrange(mine, 0, -1)
    if rest:
        r.lpush(q, *reversed(rest))
        r.delete(mine)
    return done, len(rest)
