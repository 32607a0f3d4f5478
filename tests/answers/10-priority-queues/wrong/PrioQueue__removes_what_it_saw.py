"""Looks at the last message and removes it later: two drop the same one."""

REJECTED_BY = "overshoots-bound"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        member = f"{self.r.incr(f'{self.key}:seq'):016d}{message}"
        look = """
        redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
        if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) then return redis.call('ZRANGE', KEYS[1], -1, -1)[1] end
        """
        last = self.r.eval(look, 1, self.key, level, member, self.bound)
        if last is None:
            return None
        self.r.zrem(self.key, last)
        return last[16:]

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0][16:] if first else None
