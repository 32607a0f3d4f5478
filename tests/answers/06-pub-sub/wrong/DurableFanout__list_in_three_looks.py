"""A list and a counter, read one after the other: a message gets the number of its neighbour."""

REJECTED_BY = "poll-in-two-looks"
PUBLISH = """
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
return redis.call('INCR', KEYS[2])
"""
SUBSCRIBE = "redis.call('ZADD', KEYS[2], 'NX', redis.call('GET', KEYS[1]) or 0, ARGV[1])"


class DurableFanout:
    def __init__(self, r, name, keep):
        self.r, self.keep = r, keep
        self.kept, self.last, self.positions = (f"{name}:{what}" for what in ("kept", "last", "positions"))

    def publish(self, body):
        return self.r.eval(PUBLISH, 2, self.kept, self.last, body, self.keep)

    def subscribe(self, sub):
        self.r.eval(SUBSCRIBE, 2, self.last, self.positions, sub)

    def position(self, sub):
        position = self.r.zscore(self.positions, sub)
        if position is None:
            raise KeyError(sub)
        return int(position)

    def poll(self, sub, n):
        position, last = self.position(sub), int(self.r.get(self.last) or 0)
        bodies = self.r.lrange(self.kept, 0, -1)
        messages = list(enumerate(bodies, start=last - len(bodies) + 1))
        newer = [message for message in messages if message[0] > position]
        return max(0, last - len(bodies) - position), newer[:n]

    def commit(self, sub, number):
        self.position(sub)
        self.r.zadd(self.positions, {sub: number}, gt=True, xx=True)
