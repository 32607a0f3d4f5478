"""Pushes first and takes it back when the queue has become too long."""

REJECTED_BY = "overshoots-then-undoes"


def put(r, q, item, *, max_len, deadline, clock, sleep):
    while True:
        if r.rpush(q, item) <= max_len:
            return True
        r.lrem(q, -1, item)
        if clock() >= deadline:
            return False
        sleep(min(0.02, deadline - clock()))
