"""Looks, pushes, removes: two schedulers look before either has removed."""

REJECTED_BY = "pushed-twice"


def promote_due(r, later, queue, now_ms, limit):
    due = r.zrangebyscore(later, "-inf", now_ms, start=0, num=limit)
    for job in due:
        r.rpush(queue, job)
        r.zrem(later, job)
    return due
