"""Counts the age of messages that workers have already."""

import json

REJECTED_BY = "counts-in-flight-age"


def queue_health(r, q, now_ms):
    workers = r.smembers(f"{q}:workers")
    with r.pipeline() as p:
        p.llen(q)
        p.lindex(q, 0)
        for name in workers:
            p.lrange(f"{q}:in-flight:{name}", 0, -1)
        depth, head, *lists = p.execute()
    in_flight = [len(messages) for messages in lists]
    heads = [head, *(messages[0] for messages in lists if messages)]
    age = max((now_ms - json.loads(m)["ts_ms"] for m in heads if m), default=0)
    return {"depth": depth, "oldest_age_ms": max(0, age), "in_flight": sum(in_flight)}
