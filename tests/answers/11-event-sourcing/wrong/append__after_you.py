"""Steps back when somebody else is there, who does the same."""

import json

import redis

REJECTED_BY = "no-winner"


def same(r, stream, expected, events):
    there = r.xrange(stream, f"{expected + 1}-0", f"{expected + len(events)}-0") if events else []
    return bool(there) and [json.loads(fields["event"])["id"] for _, fields in there] == [
        event["id"] for event in events
    ]


def append(r, stream, expected, events):
    if r.xlen(stream) != expected:
        return expected + len(events) if same(r, stream, expected, events) else None
    r.incr(f"{stream}:busy")
    try:
        if int(r.get(f"{stream}:busy")) > 1:
            return None
        with r.pipeline() as p:
            for n, event in enumerate(events, expected + 1):
                p.xadd(stream, {"event": json.dumps(event)}, id=f"{n}-0")
            p.execute()
    except redis.ResponseError:
        return None
    finally:
        r.decr(f"{stream}:busy")
    return expected + len(events)
