"""Keeps the checkpoint in a key whose name does not start with the view's."""

import json

import redis

REJECTED_BY = "wrong-place"


def project(r, stream, view, limit=100):
    with r.pipeline() as p:
        p.watch("at:" + view)
        entries = r.xrange(stream, f"({p.get('at:' + view) or 0}-0", count=limit)
        if not entries:
            return 0
        p.multi()
        for _, fields in entries:
            event = json.loads(fields["event"])
            sign = {"Paid": 1, "Refunded": -1}.get(event["type"])
            if sign:
                p.hincrby(view, event["customer"], sign * event["cents"])
        p.set("at:" + view, entries[-1][0].split("-")[0])
        try:
            p.execute()
        except redis.WatchError:
            return 0
    return len(entries)
