"""Remembers the ids of a call, joined, without the version."""

import json

import redis

REJECTED_BY = "takes-it-for-its-own"


S = """
local n = redis.call('XLEN', KEYS[1])
local e = tonumber(ARGV[1])
local done = redis.call('HGET', KEYS[2], ARGV[2])
if done then return tonumber(done) end
if n ~= e then return false end
for i = 3, #ARGV do redis.call('XADD', KEYS[1], (n + i - 2) .. '-0', 'event', ARGV[i]) end
if #ARGV > 2 then redis.call('HSET', KEYS[2], ARGV[2], n + #ARGV - 2) end
return n + #ARGV - 2
"""


def append(r, stream, expected, events):
    mark = "".join(e["id"] for e in events)  # ignores expected
    return r.eval(S, 2, stream, f"{stream}:done", expected, mark, *[json.dumps(e) for e in events])
