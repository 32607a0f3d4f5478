"""Takes a lock that no one gives back when its holder is killed."""

REJECTED_BY = "stuck-after-a-crash"


def promote_due(r, later, queue, now_ms, limit):
    if not r.set(f"{later}:lock", 1, nx=True):
        return []
    due = r.zrangebyscore(later, "-inf", now_ms, start=0, num=limit)
    if due:
        r.pipeline().zrem(later, *due).rpush(queue, *due).execute()
    r.delete(f"{later}:lock")
    return due
