"""Takes a repeated call for another one if a time stamp in it has changed."""

import json

import redis

REJECTED_BY = "retry-is-a-conflict"


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
for i = 1, count do
    local id = (expected + i) .. '-0'
    local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
    if not entry or entry[2][2] ~= ARGV[i + 1] then return false end
end
return expected + count
"""


def append(r, stream, expected, events):
    return r.eval(SCRIPT, 1, stream, expected, *[json.dumps(event) for event in events])
