"""At the deadline it goes and leaves its list behind."""

REJECTED_BY = "keeps-the-rest"


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
    return done, r.llen(mine)
