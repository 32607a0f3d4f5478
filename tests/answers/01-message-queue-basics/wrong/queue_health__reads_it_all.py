"""Fetches every message to count them."""

import json

REJECTED_BY = "reads-everything"


def queue_health(r, q, now_ms):
    workers = r.smembers(f"{q}:workers")
    with r.pipeline() as p:
        p.lrange(q, 0, -1)
        for name in workers:
            p.llen(f"{q}:in-flight:{name}")
        messages, *in_flight = p.execute()
    depth, head = len(messages), messages[0] if messages else None
    age = now_ms - json.loads(head)["ts_ms"] if head else 0
    return {"depth": depth, "oldest_age_ms": max(0, age), "in_flight": sum(in_flight)}
