"""The sequence is the clock of whoever pushes."""

import time
import uuid

REJECTED_BY = "trusts-its-clock"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        add = """
        local member = ARGV[4] .. ARGV[2]
        redis.call('ZADD', KEYS[1], ARGV[1], member)
        if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) then
            return string.sub(redis.call('ZPOPMAX', KEYS[1])[1], 33)
        end
        """
        return self.r.eval(add, 2, self.key, f"{self.key}:seq", level, message, self.bound,
                           f"{time.time_ns():020d}{uuid.uuid4().hex[:12]}")

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0][32:] if first else None
