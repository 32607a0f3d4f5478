"""Compares the first id and the last one."""

import json

import redis

REJECTED_BY = "takes-it-for-its-own"


S = """
local n = redis.call('XLEN', KEYS[1])
local e = tonumber(ARGV[1])
local count = #ARGV - 1
if n == e then
  for i = 1, count do redis.call('XADD', KEYS[1], (n + i) .. '-0', 'event', ARGV[i+1]) end
  return n + count
end
if count == 0 or n < e + count then return false end
local function id(v)
  local x = redis.call('XRANGE', KEYS[1], v .. '-0', v .. '-0')
  return cjson.decode(x[1][2][2]).id
end
if id(e + 1) == cjson.decode(ARGV[2]).id and id(e + count) == cjson.decode(ARGV[count + 1]).id then return e + count end
return false
"""


def append(r, stream, expected, events):
    return r.eval(S, 1, stream, expected, *[json.dumps(e) for e in events])
