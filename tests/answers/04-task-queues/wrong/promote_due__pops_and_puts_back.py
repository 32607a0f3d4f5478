"""Pops, and puts back what is not due: a crash in between loses it."""

REJECTED_BY = "lost-in-a-crash"


def promote_due(r, later, queue, now_ms, limit):
    moved = []
    for job, due in r.zpopmin(later, limit):
        if due <= now_ms:
            r.rpush(queue, job)
            moved.append(job)
        else:
            r.zadd(later, {job: due})
    return moved
