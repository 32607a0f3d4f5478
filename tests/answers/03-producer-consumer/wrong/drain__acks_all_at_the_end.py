"""Acknowledges all at the end, in one go."""

REJECTED_BY = "acks-at-the-end"


def drain(r, q, mine, handler, *, deadline, clock):
    done, bad = 0, []
    for message in r.lrange(mine, 0, -1):
        if clock() >= deadline:
            break
        try:
            handler(message)
            done += 1
        except Exception:
            bad.append(message)
    with r.pipeline() as p:
        rest = [*bad, *r.lrange(mine, done + len(bad), -1)]
        p.delete(mine)
        if rest:
            p.lpush(q, *reversed(rest))
        p.execute()
    return done, len(rest)
