"""The checkpoint is forgotten after an hour of quiet."""

import json

import redis

REJECTED_BY = "counted-twice"


def project(r, stream, view, limit=100):
    cp = view + ":at"
    with r.pipeline() as p:
        p.watch(cp)
        at = int(p.get(cp) or 0)
        entries = p.xrange(stream, f"{at + 1}-0", count=limit)
        if not entries:
            return 0
        p.multi()
        for id_, f in entries:
            e = json.loads(f["event"])
            if e["type"] == "Paid":
                p.hincrby(view, e["customer"], e["cents"])
            elif e["type"] == "Refunded":
                p.hincrby(view, e["customer"], -e["cents"])
        p.set(cp, at + len(entries), ex=3600)
        try:
            p.execute()
        except redis.WatchError:
            return 0
        return len(entries)
