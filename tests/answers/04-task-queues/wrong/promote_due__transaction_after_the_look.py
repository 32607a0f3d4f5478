"""Puts push and remove into MULTI, but the look before it: both act on the same look."""

REJECTED_BY = "pushed-twice"


def promote_due(r, later, queue, now_ms, limit):
    due = r.zrangebyscore(later, "-inf", now_ms, start=0, num=limit)
    with r.pipeline() as p:
        for job in due:
            p.zrem(later, job)
            p.rpush(queue, job)
        p.execute()
    return due
