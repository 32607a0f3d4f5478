"""Remembers how far the stream was read, not how far the view is."""

import json

import redis

REJECTED_BY = "one-checkpoint-for-all"


def project(r, stream, view, limit=100):
    with r.pipeline() as p:
        p.watch(view[:10] + ":at")
        entries = r.xrange(stream, f"({p.get(view[:10] + ':at') or 0}-0", count=limit)
        if not entries:
            return 0
        p.multi()
        for _, fields in entries:
            event = json.loads(fields["event"])
            sign = {"Paid": 1, "Refunded": -1}.get(event["type"])
            if sign:
                p.hincrby(view, event["customer"], sign * event["cents"])
        p.set(view[:10] + ":at", entries[-1][0].split("-")[0])
        try:
            p.execute()
        except redis.WatchError:
            return 0
    return len(entries)
