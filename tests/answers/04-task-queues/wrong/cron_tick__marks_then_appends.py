"""Marks, then appends: a crash in between loses the minute."""

REJECTED_BY = "lost-in-a-crash"


def cron_tick(r, queue, job, minute):
    if not r.set(f"{queue}:cron:{job}:{minute}", 1, nx=True, ex=86400):
        return False
    r.rpush(queue, f"{job}@{minute}")
    return True
