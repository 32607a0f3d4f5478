"""Adds the sequence to the score, as microseconds: after a million messages that is a second."""

REJECTED_BY = "runs-out-of-digits"


class AgeingQueue:
    def __init__(self, r, key, alpha, clock):
        self.r, self.key, self.alpha, self.clock = r, key, alpha, clock

    def push(self, message, prio):
        number = self.r.incr(f"{self.key}:seq")
        self.r.zadd(self.key, {f"{number:020d}{message}": prio / self.alpha + self.clock() + number * 1e-6})

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0][20:] if first else None
