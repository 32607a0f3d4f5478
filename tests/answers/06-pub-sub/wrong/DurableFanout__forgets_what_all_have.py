"""Throws away what everybody has committed, and numbers on from what is left: then from 1 again."""

REJECTED_BY = "wrong-numbers"
PUBLISH = """
local newest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
local number = (tonumber(newest[2]) or 0) + 1
redis.call('ZADD', KEYS[1], number, number .. ' ' .. ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -tonumber(ARGV[2]) - 1)
return number
"""
SUBSCRIBE = """
local newest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('ZADD', KEYS[2], 'NX', newest[2] or 0, ARGV[1])
"""
COMMIT = """
redis.call('ZADD', KEYS[2], 'GT', ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2])
"""


class DurableFanout:
    def __init__(self, r, name, keep):
        self.r, self.keep, self.keys = r, keep, (f"{name}:kept", f"{name}:positions")

    def publish(self, body):
        return self.r.eval(PUBLISH, 1, self.keys[0], body, self.keep)

    def subscribe(self, sub):
        self.r.eval(SUBSCRIBE, 2, *self.keys, sub)

    def position(self, sub):
        position = self.r.zscore(self.keys[1], sub)
        if position is None:
            raise KeyError(sub)
        return int(position)

    def poll(self, sub, n):
        position = self.position(sub)
        entries = self.r.zrangebyscore(self.keys[0], f"({position}", "inf", 0, max(n, 1))
        messages = [(int(entry.split(" ", 1)[0]), entry.split(" ", 1)[1]) for entry in entries]
        return (messages[0][0] - position - 1 if messages else 0), messages[:n]

    def commit(self, sub, number):
        self.position(sub)
        self.r.eval(COMMIT, 2, *self.keys, sub, number)
