"""Keeps the fingerprint of a killed caller, and refuses others because of it."""

import json

REJECTED_BY = "fingerprint-outlives-the-lease"


class InProgress(Exception):
    pass


class Conflict(Exception):
    pass


class Fenced(Exception):
    pass


BEGIN = """
local seen = redis.call('HMGET', KEYS[1], 'fingerprint', 'outcome', 'until')
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if seen[1] then
    if seen[1] ~= ARGV[1] then return {'conflict', ''} end
    if seen[2] then return {'done', seen[2]} end
    if now < tonumber(seen[3]) then return {'in progress', ''} end
end
local token = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'token', token, 'until', now + ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {'yours', token}
"""
FINISH = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'outcome', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
RELEASE = "if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class IdempotencyLayer:
    def __init__(self, r, prefix, *, keep_s=86_400):
        self.r, self.prefix, self.keep_s = r, prefix, keep_s

    def execute(self, key, fingerprint, fn, lease_ms):
        """Call fn once per key."""
        record = f"{self.prefix}:{key}"
        state, value = self.r.eval(BEGIN, 2, record, f"{self.prefix}|tokens", fingerprint, lease_ms, self.keep_s)
        if state == "conflict":
            raise Conflict(key)
        if state == "in progress":
            raise InProgress(key)
        if state == "done":
            outcome = json.loads(value)
            if "refused" in outcome:
                raise ValueError(outcome["refused"])
            return outcome["result"]
        try:
            outcome = {"result": fn(value)}
        except ValueError as error:
            outcome = {"refused": str(error)}
        except Exception:
            self.r.eval(RELEASE, 1, record, value)
            raise
        if not self.r.eval(FINISH, 1, record, value, json.dumps(outcome), self.keep_s):
            raise Fenced(key)
        if "refused" in outcome:
            raise ValueError(outcome["refused"])
        return outcome["result"]
