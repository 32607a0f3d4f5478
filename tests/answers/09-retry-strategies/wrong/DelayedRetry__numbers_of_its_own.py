"""Each worker numbers its messages from 1: the same text from two of them is one message."""

REJECTED_BY = "merges-equal-messages"


class DelayedRetry:
    def __init__(self, r, q):
        self.r, self.q = r, q
        self.n = 0

    def schedule(self, message, delay_s):
        self.n += 1
        seconds, micros = self.r.time()
        due = seconds + micros / 1e6 + delay_s
        self.r.zadd(f"{self.q}:retry", {f"{self.n:032d}{message}": due})

    def promote_due(self, limit):
        move = """
        local t = redis.call('TIME')
        local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', t[1] + t[2] / 1e6, 'LIMIT', 0, ARGV[1])
        for _, member in ipairs(due) do
            redis.call('ZREM', KEYS[1], member)
            redis.call('RPUSH', KEYS[2], string.sub(member, 33))
        end
        return #due
        """
        return self.r.eval(move, 2, f"{self.q}:retry", self.q, limit)
