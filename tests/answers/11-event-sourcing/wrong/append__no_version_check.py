"""Appends behind whatever is there."""

import json

import redis

REJECTED_BY = "ignores-expected"


SCRIPT = """
local version = redis.call('XLEN', KEYS[1])
for i = 1, #ARGV do redis.call('XADD', KEYS[1], (version + i) .. '-0', 'event', ARGV[i]) end
return version + #ARGV
"""


def append(r, stream, expected, events):
    return r.eval(SCRIPT, 1, stream, *[json.dumps(event) for event in events])
