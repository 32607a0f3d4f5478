"""Hands back by taking out with one command and putting in with the next."""

REJECTED_BY = "lost-in-a-crash"


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
    while (message := r.rpop(mine)) is not None:
        r.lpush(q, message)
        back += 1
    return done, back
