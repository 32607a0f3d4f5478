"""Looks at the version, and appends in a second step."""

import json

import redis

REJECTED_BY = "two-winners"


APPEND = """
local version = redis.call('XLEN', KEYS[1])
for i = 1, #ARGV do redis.call('XADD', KEYS[1], (version + i) .. '-0', 'event', ARGV[i]) end
"""


def same(r, stream, expected, events):
    there = r.xrange(stream, f"{expected + 1}-0", f"{expected + len(events)}-0") if events else []
    return bool(there) and [json.loads(fields["event"])["id"] for _, fields in there] == [
        event["id"] for event in events
    ]


def append(r, stream, expected, events):
    if r.xlen(stream) != expected:
        return expected + len(events) if same(r, stream, expected, events) else None
    r.eval(APPEND, 1, stream, *[json.dumps(event) for event in events])
    return expected + len(events)
