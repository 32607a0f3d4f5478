"""Counts what is due, pops as many, and drops what turns out not to be due."""

REJECTED_BY = "loses-in-a-race"


def promote_due(r, later, queue, now_ms, limit):
    due = r.zrangebyscore(later, "-inf", now_ms, start=0, num=limit)
    moved = [job for job, due_ms in r.zpopmin(later, len(due)) if due_ms <= now_ms] if due else []
    if moved:
        r.rpush(queue, *moved)
    return moved
