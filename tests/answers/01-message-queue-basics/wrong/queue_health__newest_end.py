"""Looks at the tail, where the newest message is."""

import json

REJECTED_BY = "newest-not-oldest"


def queue_health(r, q, now_ms):
    workers = r.smembers(f"{q}:workers")
    with r.pipeline() as p:
        p.llen(q)
        p.lindex(q, -1)
        for name in workers:
            p.llen(f"{q}:in-flight:{name}")
        depth, head, *in_flight = p.execute()
    age = now_ms - json.loads(head)["ts_ms"] if head else 0
    return {"depth": depth, "oldest_age_ms": max(0, age), "in_flight": sum(in_flight)}
