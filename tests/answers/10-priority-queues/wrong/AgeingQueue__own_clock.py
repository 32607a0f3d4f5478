"""Uses the clock of the process."""

import time

REJECTED_BY = "own-clock"


class AgeingQueue:
    def __init__(self, r, key, alpha, clock):
        self.r, self.key, self.alpha, self.clock = r, key, alpha, clock

    def push(self, message, prio):
        add = """
        local member = string.format('%016.0f', redis.call('INCR', KEYS[2])) .. ARGV[2]
        redis.call('ZADD', KEYS[1], ARGV[1], member)
        """
        score = prio / self.alpha + time.time()
        self.r.eval(add, 2, self.key, f"{self.key}:seq", repr(score), message)

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0][16:] if first else None
