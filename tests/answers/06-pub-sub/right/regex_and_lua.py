"""A regular expression for wildcards, a stream with Lua for the fan-out, a view that keeps late messages for later."""

import json
import re


def match(pattern, subject):
    if ">" in pattern.split(".")[:-1]:
        raise ValueError("nothing may follow >")
    tokens = [{"*": r"[^.]+", ">": r".+"}.get(token, re.escape(token)) for token in pattern.split(".")]
    return re.fullmatch(r"\.".join(tokens), subject, re.DOTALL)


class GapDetector:
    newest = None

    def __init__(self, modulus):
        self.modulus = modulus

    def feed(self, epoch, seq):
        if self.newest is None or epoch > self.newest[0]:
            verdict = "ok" if self.newest is None else "restart"
        elif epoch < self.newest[0]:
            return "dup"
        else:
            last = self.newest[1]
            ahead = (seq if seq > last else seq + self.modulus) - last
            if seq == last or ahead * 2 >= self.modulus:
                return "dup"
            verdict = "ok" if ahead == 1 else ("gap", (last + 1) % self.modulus, (seq - 1) % self.modulus)
        self.newest = epoch, seq
        return verdict


class LiveView:
    """Keeps messages that came too early; reads the stock after each confirmation, and when one stays missing."""

    def __init__(self, r, key, channel):
        self.r, self.key, self.channel, self.early = r, key, channel, {}
        self.doubt, self.version, self.left, self.ear = False, -1, None, r.pubsub()

    def start(self):
        self.doubt = False
        self.ear.subscribe(self.channel)
        while not self.doubt:
            self.hear(self.ear.get_message(timeout=0.5))
        self.settle()

    def poll(self):
        message = self.ear.get_message()
        while message is not None:
            self.hear(message)
            message = self.ear.get_message()
        self.settle()

    def hear(self, message):
        if message is None:
            return
        if message["type"] == "subscribe":
            self.doubt = True
        else:
            news = json.loads(message["data"])
            self.early[news["version"]] = news["sold"]

    def settle(self):
        for _ in range(2):
            if self.doubt:
                self.left, self.version = (int(value) for value in self.r.hmget(self.key, ["left", "version"]))
                self.doubt = False
            while self.version + 1 in self.early:
                self.version += 1
                self.left -= self.early[self.version]
            self.early = {version: sold for version, sold in self.early.items() if version > self.version}
            self.doubt = bool(self.early)


class DurableFanout:
    PUBLISH = """
    local number = redis.call('HINCRBY', KEYS[2], 'last', 1)
    redis.call('XADD', KEYS[1], number .. '-1', 'n', number, 'text', ARGV[1])
    redis.call('XTRIM', KEYS[1], 'MAXLEN', ARGV[2])
    return number"""
    SUBSCRIBE = "return redis.call('HSETNX', KEYS[1], ARGV[1], redis.call('HGET', KEYS[1], 'last') or 0)"
    POLL = """
    local position = redis.call('HGET', KEYS[2], ARGV[1])
    if not position then return {-1} end
    local reply = {tonumber(redis.call('HGET', KEYS[2], 'last') or 0) - position}
    for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. position .. '-1', '+')) do
        reply[1] = reply[1] - 1
        table.insert(reply, {entry[2][2], entry[2][4]})
    end
    return reply"""
    COMMIT = """
    local position = redis.call('HGET', KEYS[1], ARGV[1])
    if not position then return -1 end
    if tonumber(ARGV[2]) > tonumber(position) then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
    return 0"""

    def __init__(self, r, name, keep):
        self.r, self.keep, self.keys = r, keep, (f"{name}:s", f"{name}:h")

    def publish(self, body):
        return self.r.eval(self.PUBLISH, 2, *self.keys, body, self.keep)

    def subscribe(self, sub):
        self.r.eval(self.SUBSCRIBE, 1, self.keys[1], f"of {sub}")

    def poll(self, sub, n):
        lost, *messages = self.r.eval(self.POLL, 2, *self.keys, f"of {sub}")
        if lost < 0:
            raise KeyError(sub)
        return lost, [[int(number), body] for number, body in messages[:n]]

    def commit(self, sub, number):
        if self.r.eval(self.COMMIT, 1, self.keys[1], f"of {sub}", number) < 0:
            raise KeyError(sub)
