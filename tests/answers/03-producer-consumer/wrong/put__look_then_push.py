"""Looks at the depth, then pushes: two callers may both see the last free place."""

REJECTED_BY = "check-then-act"


def put(r, q, item, *, max_len, deadline, clock, sleep):
    while r.llen(q) >= max_len:
        if clock() >= deadline:
            return False
        sleep(min(0.02, deadline - clock()))
    r.rpush(q, item)
    return True
