"""The message is the member."""

REJECTED_BY = "equal-are-one"


class AgeingQueue:
    def __init__(self, r, key, alpha, clock):
        self.r, self.key, self.alpha, self.clock = r, key, alpha, clock

    def push(self, message, prio):
        add = """
        local member = ARGV[2]
        redis.call('ZADD', KEYS[1], ARGV[1], member)
        """
        score = prio / self.alpha + self.clock()
        self.r.eval(add, 2, self.key, f"{self.key}:seq", repr(score), message)

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0] if first else None
