"""Draws the number, then writes the message."""

REJECTED_BY = "hole-after-a-crash"
SUBSCRIBE = """
redis.call('ZADD', KEYS[2], 'NX', redis.call('GET', KEYS[1]) or 0, ARGV[1])
"""


class DurableFanout:
    def __init__(self, r, name, keep):
        self.r, self.stream, self.positions, self.keep = r, f"{name}:messages", f"{name}:positions", keep
        self.start = r.register_script(SUBSCRIBE)

    def publish(self, body):
        number = self.r.incr(f"{self.stream}:last")
        with self.r.pipeline(transaction=True) as p:
            p.zadd(f"{self.stream}:kept", {f"{number} {body}": number})
            p.zremrangebyrank(f"{self.stream}:kept", 0, -self.keep - 1)
            p.execute()
        return number

    def subscribe(self, sub):
        self.start(keys=[f"{self.stream}:last", self.positions], args=[sub])

    def position(self, sub):
        position = self.r.zscore(self.positions, sub)
        if position is None:
            raise KeyError(sub)
        return int(position)

    def poll(self, sub, n):
        position = self.position(sub)
        entries = self.r.zrangebyscore(f"{self.stream}:kept", f"({position}", "inf", 0, max(n, 1))
        messages = [(int(entry.split(" ", 1)[0]), entry.split(" ", 1)[1]) for entry in entries]
        return (messages[0][0] - position - 1 if messages else 0), messages[:n]

    def commit(self, sub, number):
        self.position(sub)
        self.r.zadd(self.positions, {sub: number}, gt=True, xx=True)
