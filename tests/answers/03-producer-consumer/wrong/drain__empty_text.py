"""Hands back until a message counts as false."""

import uuid

REJECTED_BY = "empty-is-nothing"


def drain(r, q, mine, handler, *, deadline, clock):
    done = failed = back = 0
    mark = uuid.uuid4().hex
    while clock() < deadline and (message := r.lindex(mine, failed)) is not None:
        try:
            handler(message)
        except Exception:
            failed += 1
            continue
        r.pipeline().lset(mine, failed, mark).lrem(mine, 1, mark).execute()
        done += 1
    while r.lmove(mine, q, "RIGHT", "LEFT"):
        back += 1
    return done, back
