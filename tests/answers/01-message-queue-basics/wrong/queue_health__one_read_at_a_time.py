"""Reads one number after the other; a worker moves a message in between."""

import json

REJECTED_BY = "torn-snapshot"


def queue_health(r, q, now_ms):
    depth = r.llen(q)
    head = r.lindex(q, 0)
    in_flight = [r.llen(f"{q}:in-flight:{name}") for name in r.smembers(f"{q}:workers")]
    age = now_ms - json.loads(head)["ts_ms"] if head else 0
    return {"depth": depth, "oldest_age_ms": max(0, age), "in_flight": sum(in_flight)}
