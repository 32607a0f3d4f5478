"""Looks for the ids anywhere in the stream."""

import json

import redis

REJECTED_BY = "takes-it-for-its-own"


SCRIPT = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local version = last and tonumber(string.match(last[1], '^%d+')) or 0
local expected, count = tonumber(ARGV[1]), #ARGV - 1
if version == expected then
    for i = 1, count do
        redis.call('XADD', KEYS[1], (expected + i) .. '-0', 'event', ARGV[i + 1])
    end
    return expected + count
end
if count == 0 or version < expected + count then return false end
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
    if cjson.decode(entry[2][2])['id'] == cjson.decode(ARGV[2])['id'] then return expected + count end
end
return false
"""


def append(r, stream, expected, events):
    return r.eval(SCRIPT, 1, stream, expected, *[json.dumps(event) for event in events])
