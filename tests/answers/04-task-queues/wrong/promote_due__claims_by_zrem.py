"""Lets ZREM decide who moves a job: no duplicates, but a crash before the push loses it."""

REJECTED_BY = "lost-in-a-crash"


def promote_due(r, later, queue, now_ms, limit):
    due = r.zrangebyscore(later, "-inf", now_ms, start=0, num=limit)
    moved = []
    for job in due:
        if r.zrem(later, job):
            r.rpush(queue, job)
            moved.append(job)
    return moved
