"""The server numbers the stream (0-1, 0-2 …), and a view listens for its confirmation."""

import json


class LiveView:
    def __init__(self, r, key, channel):
        self.r, self.key, self.channel = r, key, channel
        self.ear, self.fresh = r.pubsub(), False

    def start(self):
        self.ear.subscribe(self.channel)
        for message in self.ear.listen():
            if message["type"] == "subscribe":
                break
        self.refresh()

    def refresh(self):
        self.fresh = False
        stock = self.r.hgetall(self.key)
        self.left, self.version, self.fresh = int(stock["left"]), int(stock["version"]), True

    def poll(self):
        while (message := self.ear.get_message(timeout=0)) is not None:
            news = json.loads(message["data"]) if message["type"] == "message" else None
            if news is None or news["version"] > self.version + 1:
                self.fresh = False
            elif self.fresh and news["version"] == self.version + 1:
                self.left, self.version = self.left - news["sold"], news["version"]
        if not self.fresh:
            self.refresh()


class DurableFanout:
    def __init__(self, r, name, keep):
        self.r, self.keep, self.stream, self.positions = r, keep, f"{name}.stream", f"{name}.positions"

    def publish(self, body):
        new = self.r.xadd(self.stream, {"body": body}, id="0-*", maxlen=self.keep, approximate=False)
        return int(new.split("-")[1])

    def subscribe(self, sub):
        newest = self.r.xrevrange(self.stream, count=1)
        self.r.zadd(self.positions, {sub: int(newest[0][0].split("-")[1]) if newest else 0}, nx=True)

    def poll(self, sub, n):
        with self.r.pipeline(transaction=True) as p:
            p.zscore(self.positions, sub)
            p.xrange(self.stream)
            position, entries = p.execute()
        if position is None:
            raise KeyError(sub)
        found = [(int(entry.split("-")[1]), fields["body"]) for entry, fields in entries]
        lost = max(0, found[0][0] - int(position) - 1) if found else 0
        return lost, [message for message in found if message[0] > position][:n]

    def commit(self, sub, number):
        self.r.zadd(self.positions, {sub: number}, gt=True, xx=True)
        if self.r.zscore(self.positions, sub) is None:
            raise KeyError(sub)
