"""Fetches all that waits and computes every urgency in the process."""

REJECTED_BY = "reads-everything"


class AgeingQueue:
    def __init__(self, r, key, alpha, clock):
        self.r, self.key, self.alpha, self.clock = r, key, alpha, clock

    def push(self, message, prio):
        add = """
        local member = string.format('%016.0f', redis.call('INCR', KEYS[2])) .. ARGV[2]
        redis.call('ZADD', KEYS[1], ARGV[1], member)
        """
        score = prio / self.alpha + self.clock()
        self.r.eval(add, 2, self.key, f"{self.key}:seq", repr(score), message)

    def pop(self):
        while members := self.r.zrange(self.key, 0, -1, withscores=True):
            first = min(members, key=lambda pair: (pair[1], pair[0]))[0]
            if self.r.zrem(self.key, first):
                return first[16:]
        return None
