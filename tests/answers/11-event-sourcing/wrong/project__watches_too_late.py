"""Watches after it has read the checkpoint."""

import json

import redis

REJECTED_BY = "counted-twice"


def project(r, stream, view, limit=100):
    with r.pipeline() as p:
        entries = r.xrange(stream, f"({r.hget(view, 'checkpoint') or 0}-0", count=limit)
        if not entries:
            return 0
        p.watch(view)
        p.multi()
        for _, fields in entries:
            event = json.loads(fields["event"])
            sign = {"Paid": 1, "Refunded": -1}.get(event["type"])
            if sign:
                p.hincrby(view, event["customer"], sign * event["cents"])
        p.hset(view, "checkpoint", entries[-1][0].split("-")[0])
        try:
            p.execute()
        except redis.WatchError:
            return 0
    return len(entries)
