"""Remembers each call under a key that expires."""

import json

import redis

REJECTED_BY = "forgets-its-own"


S = """
local n = redis.call('XLEN', KEYS[1])
local e = tonumber(ARGV[1])
local done = redis.call('GET', KEYS[2])
if done then return tonumber(done) end
if n ~= e then return false end
for i = 3, #ARGV do redis.call('XADD', KEYS[1], (n + i - 2) .. '-0', 'event', ARGV[i]) end
if #ARGV > 2 then redis.call('SET', KEYS[2], n + #ARGV - 2, 'EX', 60) end
return n + #ARGV - 2
"""


def append(r, stream, expected, events):
    mark = json.dumps([expected] + [e["id"] for e in events])
    return r.eval(S, 2, stream, f"{stream}:done:{mark}", expected, "x", *[json.dumps(e) for e in events])
