"""Has no bound at all."""

REJECTED_BY = "no-bound"


def put(r, q, item, *, max_len, deadline, clock, sleep):
    r.rpush(q, item)
    return True
