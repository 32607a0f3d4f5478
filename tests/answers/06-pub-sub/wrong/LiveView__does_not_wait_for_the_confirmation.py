"""Sends the subscription, and does not wait until it has taken effect."""

import json

REJECTED_BY = "does-not-hear-yet"


class LiveView:
    def __init__(self, r, key, channel):
        self.r, self.key, self.channel = r, key, channel
        self.ear = r.pubsub()
        self.left = self.version = None
        self.unsure = False

    def start(self):
        self.ear.subscribe(self.channel)
        self.unsure = True
        self.make_sure()

    def poll(self):
        while message := self.ear.get_message(timeout=0):
            self.take_in(message)
        self.make_sure()

    def take_in(self, message):
        if message and message["type"] == "subscribe":
            self.unsure = True
        elif message:
            news = json.loads(message["data"])
            if self.version is None or news["version"] > self.version + 1:
                self.unsure = True
            elif news["version"] == self.version + 1:
                self.left, self.version = self.left - news["sold"], news["version"]

    def make_sure(self):
        if self.unsure:
            self.left, self.version = map(int, self.r.hmget(self.key, "left", "version"))
            self.unsure = False
