"""The workers' lists found by SCAN and by name, then one transaction."""

import json


def queue_health(r, q, now_ms):
    lists = list(r.scan_iter(f"{q}:in-flight:*", count=1000))
    names = r.smembers(f"{q}:workers")
    keys = sorted({*lists, *(f"{q}:in-flight:{name}" for name in names)})
    replies = r.pipeline().llen(q).lindex(q, 0)
    for key in keys:
        replies.llen(key)
    depth, head, *busy = replies.execute()
    waited = 0
    if head is not None:
        waited = now_ms - json.loads(head)["ts_ms"]
    return {"in_flight": sum(busy), "depth": depth, "oldest_age_ms": waited if waited > 0 else 0}
