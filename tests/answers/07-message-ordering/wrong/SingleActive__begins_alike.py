"""Compares the beginnings of the names: w1 is taken for w12."""

REJECTED_BY = "names-mixed-up"

CLAIM = """
local mine = redis.call('GET', KEYS[1] .. ':active')
if mine and mine:sub(1, #ARGV[1]) ~= ARGV[1] then return false end
if not mine then redis.call('INCR', KEYS[1] .. ':token') end
redis.call('SET', KEYS[1] .. ':active', ARGV[1], 'PX', ARGV[2])
return tonumber(redis.call('GET', KEYS[1] .. ':token'))
"""
HEAD = """
if redis.call('GET', KEYS[1] .. ':token') ~= ARGV[1] then return false end
return redis.call('LINDEX', KEYS[1], 0)
"""
FINISH = """
if redis.call('GET', KEYS[1] .. ':token') ~= ARGV[1] then return 0 end
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[2] then return 0 end
redis.call('LPOP', KEYS[1])
redis.call('RPUSH', KEYS[1] .. ':out', ARGV[3])
return 1
"""


class SingleActive:
    def __init__(self, r, lane, worker):
        self.r, self.lane, self.worker = r, lane, worker

    def claim(self, ttl_ms):
        return self.r.eval(CLAIM, 1, self.lane, self.worker, ttl_ms)

    def head(self, token):
        return self.r.eval(HEAD, 1, self.lane, token)

    def finish(self, token, message, effect):
        return self.r.eval(FINISH, 1, self.lane, token, message, effect) == 1
