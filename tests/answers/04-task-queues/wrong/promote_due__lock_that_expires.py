"""Takes a lock that expires by itself: after a crash the next call finds it and moves nothing."""

import redis

REJECTED_BY = "stuck-after-a-crash"


def promote_due(r, later, queue, now_ms, limit):
    with r.pipeline() as p:
        if not r.set(f"{later}:lock", 1, nx=True, px=10_000):
            return []
        p.watch(f"{later}:lock", later)
        due = p.zrangebyscore(later, "-inf", now_ms, start=0, num=limit)
        p.multi()
        if due:
            p.zrem(later, *due)
            p.rpush(queue, *due)
        p.delete(f"{later}:lock")
        try:
            p.execute()
        except redis.WatchError:
            return []
        return due
