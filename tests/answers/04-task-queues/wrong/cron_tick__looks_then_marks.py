"""Looks whether the mark is there, then sets it."""

REJECTED_BY = "twice-a-minute"


def cron_tick(r, queue, job, minute):
    mark = f"{queue}:cron:{job}:{minute}"
    if r.exists(mark):
        return False
    r.pipeline().set(mark, 1, ex=86400).rpush(queue, f"{job}@{minute}").execute()
    return True
