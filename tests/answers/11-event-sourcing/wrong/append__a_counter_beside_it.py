"""Reserves versions with INCRBY and fills them afterwards."""

import json

import redis

REJECTED_BY = "stuck-after-a-crash"


SCRIPT = """
local version = tonumber(redis.call('GET', KEYS[1]) or '0')
if version ~= tonumber(ARGV[1]) then return false end
return redis.call('INCRBY', KEYS[1], ARGV[2])
"""


def same(r, stream, expected, events):
    there = r.xrange(stream, f"{expected + 1}-0", f"{expected + len(events)}-0") if events else []
    return bool(there) and [json.loads(fields["event"])["id"] for _, fields in there] == [
        event["id"] for event in events
    ]


def append(r, stream, expected, events):
    r.set(f"{stream}:version", r.xlen(stream), nx=True)
    version = r.eval(SCRIPT, 1, f"{stream}:version", expected, len(events))
    if version is None:
        return expected + len(events) if same(r, stream, expected, events) else None
    with r.pipeline() as p:
        for n, event in enumerate(events, expected + 1):
            p.xadd(stream, {"event": json.dumps(event)}, id=f"{n}-0")
        p.execute()
    return version
