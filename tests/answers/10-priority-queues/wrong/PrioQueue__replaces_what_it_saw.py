"""Looks at the last message, then replaces it in a transaction that watches nothing."""

REJECTED_BY = "wrong-victim-in-a-race"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        member = f"{self.r.incr(f'{self.key}:seq'):016d}{message}"
        add = """
        if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[3]) then redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
            return 1
        end
        return 0
        """
        if self.r.eval(add, 1, self.key, level, member, self.bound):
            return None
        last, score = self.r.zrange(self.key, -1, -1, withscores=True)[0]
        if score <= level:
            return message
        replace = """
        if redis.call('ZREM', KEYS[1], ARGV[3]) == 0 then return 0 end
        redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
        return 1
        """
        return last[16:] if self.r.eval(replace, 1, self.key, level, member, last) else message

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0][16:] if first else None
