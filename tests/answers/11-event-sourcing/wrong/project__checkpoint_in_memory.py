"""Remembers in the process how far it is."""

import json

import redis

REJECTED_BY = "counted-twice"


AT = {}


def project(r, stream, view, limit=100):
    newest = r.get(f"{view}:mark")
    if newest is None:
        AT.pop(view, None)
    entries = r.xrange(stream, f"({AT.get(view, 0)}-0", count=limit)
    if not entries:
        return 0
    with r.pipeline() as p:
        try:
            p.watch(f"{view}:mark")
            if p.get(f"{view}:mark") != newest:
                return 0
            p.multi()
            p.set(f"{view}:mark", entries[-1][0].split("-")[0])
            for _, fields in entries:
                event = json.loads(fields["event"])
                sign = {"Paid": 1, "Refunded": -1}.get(event["type"])
                if sign:
                    p.hincrby(view, event["customer"], sign * event["cents"])
            p.execute()
            AT[view] = entries[-1][0].split("-")[0]
        except redis.WatchError:
            return 0
    return len(entries)
