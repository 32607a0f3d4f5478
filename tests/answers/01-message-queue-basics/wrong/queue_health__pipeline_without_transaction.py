"""A pipeline without MULTI saves round trips, but others may come between its commands."""

import json

REJECTED_BY = "torn-snapshot"


def queue_health(r, q, now_ms):
    workers = r.smembers(f"{q}:workers")
    with r.pipeline(transaction=False) as p:
        p.llen(q)
        p.lindex(q, 0)
        for name in workers:
            p.llen(f"{q}:in-flight:{name}")
        depth, head, *in_flight = p.execute()
    age = now_ms - json.loads(head)["ts_ms"] if head else 0
    return {"depth": depth, "oldest_age_ms": max(0, age), "in_flight": sum(in_flight)}
