"""Compares the ids as sets."""

import json

import redis

REJECTED_BY = "takes-it-for-its-own"


def append(r, stream, expected, events):
    while True:
        with r.pipeline() as p:
            p.watch(stream)
            n = p.xlen(stream)
            if n != expected:
                if not events:
                    return None
                there = p.xrange(stream, f"{expected + 1}-0", f"{expected + len(events)}-0")
                ids = {json.loads(f["event"])["id"] for _, f in there}
                return expected + len(events) if ids == {e["id"] for e in events} else None
            if not events:
                return n
            p.multi()
            for i, e in enumerate(events, n + 1):
                p.xadd(stream, {"event": json.dumps(e)}, id=f"{i}-0")
            try:
                p.execute()
                return n + len(events)
            except redis.WatchError:
                continue
