"""Adds the cents of every event."""

import json

import redis

REJECTED_BY = "wrong-sum"


def project(r, stream, view, limit=100):
    with r.pipeline() as p:
        p.watch(view)
        entries = r.xrange(stream, f"({p.hget(view, 'checkpoint') or 0}-0", count=limit)
        if not entries:
            return 0
        p.multi()
        for _, fields in entries:
            event = json.loads(fields["event"])
            sign = {"Paid": 1, "Refunded": -1}.get(event["type"], 1)
            if "cents" in event:
                p.hincrby(view, event["customer"], sign * event["cents"])
        p.hset(view, "checkpoint", entries[-1][0].split("-")[0])
        try:
            p.execute()
        except redis.WatchError:
            return 0
    return len(entries)
