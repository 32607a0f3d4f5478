"""Adds, counts and drops in three steps: two processes drop one each."""

REJECTED_BY = "drops-in-a-race"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        member = f"{self.r.incr(f'{self.key}:seq'):016d}{message}"
        self.r.zadd(self.key, {member: level})
        if self.r.zcard(self.key) > self.bound:
            return self.r.zpopmax(self.key)[0][0][16:]
        return None

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0][16:] if first else None
