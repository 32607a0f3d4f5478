"""At the deadline it deletes its list and goes."""

REJECTED_BY = "loses-the-rest"


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
    back = r.llen(mine)
    r.delete(mine)
    return done, back
