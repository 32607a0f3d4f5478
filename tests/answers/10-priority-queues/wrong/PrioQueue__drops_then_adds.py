"""Makes room in one step and adds in another."""

REJECTED_BY = "overshoots-bound"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        member = f"{self.r.incr(f'{self.key}:seq'):016d}{message}"
        gone = None
        if self.r.zcard(self.key) >= self.bound:
            last, score = self.r.zrange(self.key, -1, -1, withscores=True)[0]
            if score <= level:
                return message
            gone = self.r.zpopmax(self.key)[0][0][16:]
        self.r.zadd(self.key, {member: level})
        return gone

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0][16:] if first else None
