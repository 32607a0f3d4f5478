"""Drops the oldest message of the least urgent level."""

REJECTED_BY = "drops-the-oldest"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        add = """
        local member = string.format('%016.0f', redis.call('INCR', KEYS[2])) .. ARGV[2]
        redis.call('ZADD', KEYS[1], ARGV[1], member)
        if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) then
            local level = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
            local oldest = redis.call('ZRANGEBYSCORE', KEYS[1], level, level, 'LIMIT', 0, 1)[1]
            redis.call('ZREM', KEYS[1], oldest)
            return string.sub(oldest, 17)
        end
        """
        return self.r.eval(add, 2, self.key, f"{self.key}:seq", level, message, self.bound)

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0][16:] if first else None
