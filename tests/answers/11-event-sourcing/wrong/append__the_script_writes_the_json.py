"""The script reads the events and writes them again."""

import json

import redis

REJECTED_BY = "another-event"


S = """
local n = redis.call('XLEN', KEYS[1])
local e = tonumber(ARGV[1])
local events = cjson.decode(ARGV[2])
local count = #events
if n == e then
  for i = 1, count do
    redis.call('XADD', KEYS[1], (n + i) .. '-0', 'event', cjson.encode(events[i]))
  end
  return n + count
end
if count == 0 or n < e + count then return false end
local there = redis.call('XRANGE', KEYS[1], (e + 1) .. '-0', (e + count) .. '-0')
for i = 1, count do
  if cjson.decode(there[i][2][2]).id ~= events[i].id then return false end
end
return e + count
"""


def append(r, stream, expected, events):
    return r.eval(S, 1, stream, expected, json.dumps(events))
