"""Adds 0 for events of other types, to a customer who is not there."""

import json

import redis

REJECTED_BY = "wrong-sum"


def project(r, stream, view, limit=100):
    with r.pipeline() as p:
        p.watch(view)
        at = int(p.hget(view, "checkpoint") or 0)
        entries = p.xrange(stream, f"{at + 1}-0", count=limit)
        if not entries:
            return 0
        p.multi()
        for _, f in entries:
            e = json.loads(f["event"])
            cents = e.get("cents", 0) * {"Paid": 1, "Refunded": -1}.get(e["type"], 0)
            p.hincrby(view, e.get("customer", ""), cents)
        p.hset(view, "checkpoint", at + len(entries))
        try:
            p.execute()
        except redis.WatchError:
            return 0
        return len(entries)
