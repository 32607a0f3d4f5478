"""Recursion for wildcards, ranges for gaps, a new start at every doubt, a sorted set under WATCH for the fan-out."""

import json

import redis


def match(pattern, subject):
    def fits(wanted, given):
        if not wanted:
            return not given
        if wanted == [">"]:
            return bool(given)
        return bool(given) and wanted[0] in ("*", given[0]) and fits(wanted[1:], given[1:])

    tokens = pattern.split(".")
    if ">" in tokens[:-1]:
        raise ValueError(pattern)
    return fits(tokens, subject.split("."))


class GapDetector:
    def __init__(self, modulus):
        self.modulus, self.place = modulus, None

    def feed(self, epoch, seq):
        old, place = self.place, (epoch, seq)
        if old is None:
            self.place = place
            return "ok"
        if epoch > old[0]:
            self.place = place
            return "restart"
        ahead = range(old[1] + 1, old[1] + (self.modulus + 1) // 2)
        number = seq if seq in ahead else seq + self.modulus
        if epoch < old[0] or number not in ahead:
            return "dup"
        missing = [n % self.modulus for n in (ahead[0], number - 1)] if number > ahead[0] else None
        self.place = place
        return ["gap", *missing] if missing else "ok"


class LiveView:
    """Reads the snapshot in a transaction; on any doubt it makes everything anew: subscription and snapshot."""

    def __init__(self, r, key, channel):
        self.r, self.key, self.channel = r, key, channel
        self.ear = None

    def start(self):
        if self.ear is not None:
            self.ear.close()
        self.ear = None
        ear = self.r.pubsub()
        ear.subscribe(self.channel)
        while (ear.get_message(timeout=1) or {}).get("type") != "subscribe":
            pass
        with self.r.pipeline(transaction=True) as p:
            p.hget(self.key, "left")
            p.hget(self.key, "version")
            self.left, self.version = (int(value) for value in p.execute())
        self.ear = ear

    def poll(self):
        if self.ear is None:
            return self.start()
        try:
            while message := self.ear.get_message(timeout=0):
                news = json.loads(message["data"]) if message["type"] == "message" else {"version": float("inf")}
                if news["version"] > self.version + 1:
                    return self.start()
                if news["version"] == self.version + 1:
                    self.left -= news["sold"]
                    self.version += 1
        except redis.RedisError:
            self.ear = None
            raise


class DurableFanout:
    """One sorted set for the messages, a hash for the rest; transactions that look first."""

    def __init__(self, r, name, keep):
        self.r, self.kept, self.state, self.keep = r, f"{name}/kept", f"{name}/state", keep

    def change(self, plan):
        while True:
            try:
                with self.r.pipeline() as p:
                    p.watch(self.state)
                    result = plan(p)
                    if p.explicit_transaction:
                        p.execute()
                    return result
            except redis.WatchError:
                continue

    def publish(self, body):
        def plan(p):
            number = int(p.hget(self.state, "last") or 0) + 1
            p.multi()
            p.hset(self.state, "last", number)
            p.zadd(self.kept, {json.dumps([number, body]): number})
            p.zremrangebyrank(self.kept, 0, -self.keep - 1)
            return number

        return self.change(plan)

    def subscribe(self, sub):
        def plan(p):
            if p.hexists(self.state, f"sub:{sub}"):
                return
            last = p.hget(self.state, "last") or 0
            p.multi()
            p.hset(self.state, f"sub:{sub}", last)

        self.change(plan)

    def poll(self, sub, n):
        with self.r.pipeline(transaction=True) as p:
            p.hmget(self.state, f"sub:{sub}", "last")
            p.zrange(self.kept, 0, -1)
            (position, last), rows = p.execute()
        if position is None:
            raise KeyError(sub)
        position = int(position)
        messages = [(number, body) for number, body in map(json.loads, rows) if number > position]
        return int(last or 0) - position - len(messages), messages[:n]

    def commit(self, sub, number):
        def plan(p):
            position = p.hget(self.state, f"sub:{sub}")
            if position is None:
                raise KeyError(sub)
            if number > int(position):
                p.multi()
                p.hset(self.state, f"sub:{sub}", number)

        self.change(plan)
