"""A sequence without leading zeros."""

REJECTED_BY = "runs-out-of-digits"


class AgeingQueue:
    def __init__(self, r, key, alpha, clock):
        self.r, self.key, self.alpha, self.clock = r, key, alpha, clock

    def push(self, message, prio):
        add = """
        local member = redis.call('INCR', KEYS[2]) .. ':' .. ARGV[2]
        redis.call('ZADD', KEYS[1], ARGV[1], member)
        """
        score = prio / self.alpha + self.clock()
        self.r.eval(add, 2, self.key, f"{self.key}:seq", repr(score), message)

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0].split(":", 1)[1] if first else None
