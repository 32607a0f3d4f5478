"""Looks for the last number, and takes the next."""

REJECTED_BY = "two-publishers"


class DurableFanout:
    def __init__(self, r, name, keep):
        self.r, self.stream, self.positions, self.keep = r, f"{name}:messages", f"{name}:positions", keep

    def publish(self, body):
        last = self.r.zrange(f"{self.stream}:kept", -1, -1, withscores=True)
        number = int(last[0][1]) + 1 if last else 1
        with self.r.pipeline(transaction=True) as p:
            p.zadd(f"{self.stream}:kept", {f"{number} {body}": number})
            p.zremrangebyrank(f"{self.stream}:kept", 0, -self.keep - 1)
            p.execute()
        return number

    def subscribe(self, sub):
        last = self.r.zrange(f"{self.stream}:kept", -1, -1, withscores=True)
        self.r.zadd(self.positions, {sub: last[0][1] if last else 0}, nx=True)

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
