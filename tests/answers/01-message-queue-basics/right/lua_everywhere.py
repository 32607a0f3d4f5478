"""Registered Lua scripts, also for reading."""

import json
import math

import redis

from mqlab.kiosk import envelope

PUSH = """
if redis.call('LLEN', KEYS[1]) < tonumber(ARGV[1]) then
    return redis.call('RPUSH', KEYS[1], ARGV[2])
end
return false
"""
HEALTH = """
local in_flight = 0
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1] .. ':workers')) do
    in_flight = in_flight + redis.call('LLEN', KEYS[1] .. ':in-flight:' .. name)
end
local head = redis.call('LINDEX', KEYS[1], 0)
local age = 0
if head then
    age = math.max(0, tonumber(ARGV[1]) - cjson.decode(head).ts_ms)
end
return {redis.call('LLEN', KEYS[1]), age, in_flight}
"""


def plan_capacity(base, spike, spike_s, mu):
    peak = max(spike - mu, 0) * spike_s
    try:
        drain = peak / max(mu - base, 0)
    except ZeroDivisionError:
        drain = math.inf if peak else 0.0
    return peak, drain


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)
    try:
        depth = r.register_script(PUSH)(keys=[q], args=[max_depth, json.dumps(message)])
    except redis.RedisError:
        return 503, None
    return (503, None) if depth is None else (202, message["id"])


def queue_health(r, q, now_ms):
    depth, age, in_flight = r.eval(HEALTH, 1, q, now_ms)
    return {"depth": depth, "oldest_age_ms": age, "in_flight": in_flight}
