"""Takes the oldest message out to look at it, and puts it back."""

import json

REJECTED_BY = "changes-the-queue"


def queue_health(r, q, now_ms):
    workers = r.smembers(f"{q}:workers")
    depth = r.llen(q)
    head = r.lpop(q)
    if head:
        r.lpush(q, head)
    in_flight = [r.llen(f"{q}:in-flight:{name}") for name in workers]
    age = now_ms - json.loads(head)["ts_ms"] if head else 0
    return {"depth": depth, "oldest_age_ms": max(0, age), "in_flight": sum(in_flight)}
