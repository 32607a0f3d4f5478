"""Keeps failed messages in one more list until the end."""

REJECTED_BY = "sets-aside"


def drain(r, q, mine, handler, *, deadline, clock):
    done = failed = back = 0
    bad = f"{mine}:bad"
    while clock() < deadline and (message := r.lindex(mine, 0)) is not None:
        try:
            handler(message)
        except Exception:
            r.lmove(mine, bad, "LEFT", "RIGHT")
            continue
        r.lpop(mine)
        done += 1
    for source in (mine, bad):
        while r.lmove(source, q, "RIGHT", "LEFT") is not None:
            back += 1
    return done, back
