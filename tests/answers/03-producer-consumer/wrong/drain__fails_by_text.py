"""Does not try a message that is equal to one that failed."""

import uuid

REJECTED_BY = "merges-equal"


def drain(r, q, mine, handler, *, deadline, clock):
    done = failed = back = 0
    mark, bad = uuid.uuid4().hex, []
    while clock() < deadline and (message := r.lindex(mine, failed)) is not None:
        if message in bad:
            failed += 1
            continue
        try:
            handler(message)
        except Exception:
            bad.append(message)
            failed += 1
            continue
        r.pipeline().lset(mine, failed, mark).lrem(mine, 1, mark).execute()
        done += 1
    while r.lmove(mine, q, "RIGHT", "LEFT") is not None:
        back += 1
    return done, back
