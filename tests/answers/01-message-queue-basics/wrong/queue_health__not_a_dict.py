"""Returns the three numbers without their names."""

import json

REJECTED_BY = "wrong-keys"


def queue_health(r, q, now_ms):
    workers = r.smembers(f"{q}:workers")
    with r.pipeline() as p:
        p.llen(q)
        p.lindex(q, 0)
        for name in workers:
            p.llen(f"{q}:in-flight:{name}")
        depth, head, *in_flight = p.execute()
    age = now_ms - json.loads(head)["ts_ms"] if head else 0
    return depth, max(0, age), sum(in_flight)
