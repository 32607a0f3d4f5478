"""Sees one message waiting, and expects it to be there in the next command."""

import json

REJECTED_BY = "torn-snapshot"


def queue_health(r, q, now_ms):
    depth = r.llen(q)
    age = now_ms - json.loads(r.lindex(q, 0))["ts_ms"] if depth else 0
    in_flight = [r.llen(f"{q}:in-flight:{name}") for name in r.smembers(f"{q}:workers")]
    return {"depth": depth, "oldest_age_ms": max(0, age), "in_flight": sum(in_flight)}
