"""Looks at its own clock instead of the time it is given."""

import json
import time

REJECTED_BY = "own-clock"


def queue_health(r, q, now_ms):
    workers = r.smembers(f"{q}:workers")
    with r.pipeline() as p:
        p.llen(q)
        p.lindex(q, 0)
        for name in workers:
            p.llen(f"{q}:in-flight:{name}")
        depth, head, *in_flight = p.execute()
    age = int(time.time() * 1000) - json.loads(head)["ts_ms"] if head else 0
    return {"depth": depth, "oldest_age_ms": max(0, age), "in_flight": sum(in_flight)}
