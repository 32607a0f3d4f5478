"""Returns the result although it could not be stored."""

import json

import redis

REJECTED_BY = "not-stored-and-not-told"


class InProgress(Exception):
    pass


class Conflict(Exception):
    pass


class Fenced(Exception):
    pass


BEGIN = """
local seen = redis.call('HMGET', KEYS[1], 'fingerprint', 'outcome')
if seen[1] then
    if seen[1] ~= ARGV[1] then return {'conflict', ''} end
    return seen[2] and {'done', seen[2]} or {'in progress', ''}
end
local token = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'token', token)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
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
        state, value = self.r.eval(BEGIN, 2, record, f"{self.prefix}|tokens", fingerprint, lease_ms)
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
        try:
            kept = self.r.eval(FINISH, 1, record, value, json.dumps(outcome), self.keep_s)
        except redis.ConnectionError:
            kept = True  # it will do
        if not kept:
            raise Fenced(key)
        if "refused" in outcome:
            raise ValueError(outcome["refused"])
        return outcome["result"]
