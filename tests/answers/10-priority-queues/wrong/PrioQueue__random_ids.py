"""A random id makes members differ, and puts those of a level in random order."""

import uuid

REJECTED_BY = "loses-order"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        add = """
        redis.call('ZADD', KEYS[1], ARGV[1], ARGV[4])
        if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) then
            return string.sub(redis.call('ZPOPMAX', KEYS[1])[1], 33)
        end
        """
        return self.r.eval(add, 2, self.key, f"{self.key}:seq", level, message, self.bound, uuid.uuid4().hex + message)

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0][32:] if first else None
