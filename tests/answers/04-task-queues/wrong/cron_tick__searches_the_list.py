"""Looks for the entry in the list: two look before either has written."""

REJECTED_BY = "twice-a-minute"


def cron_tick(r, queue, job, minute):
    entry = f"{job}@{minute}"
    if r.lpos(queue, entry) is not None:
        return False
    r.rpush(queue, entry)
    return True
