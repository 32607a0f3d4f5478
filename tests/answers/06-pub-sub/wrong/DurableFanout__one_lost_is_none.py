"""Tells of a loss only from two messages on."""

REJECTED_BY = "wrong-loss"
PUBLISH = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local number = last and tonumber(string.match(last[1], '^%d+')) + 1 or 1
redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[2], number .. '-0', 'body', ARGV[1])
return number
"""
SUBSCRIBE = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
redis.call('ZADD', KEYS[2], 'NX', last and string.match(last[1], '^%d+') or 0, ARGV[1])
"""


class DurableFanout:
    def __init__(self, r, name, keep):
        self.r, self.stream, self.positions, self.keep = r, f"{name}:messages", f"{name}:positions", keep
        self.script = r.register_script(PUBLISH)
        self.start = r.register_script(SUBSCRIBE)

    def publish(self, body):
        return self.script(keys=[self.stream], args=[body, self.keep])

    def subscribe(self, sub):
        self.start(keys=[self.stream, self.positions], args=[sub])

    def position(self, sub):
        position = self.r.zscore(self.positions, sub)
        if position is None:
            raise KeyError(sub)
        return int(position)

    def poll(self, sub, n):
        position = self.position(sub)
        entries = self.r.xrange(self.stream, f"({position}-0", count=max(n, 1))
        messages = [(int(id.split("-")[0]), fields["body"]) for id, fields in entries]
        return (messages[0][0] - position - 1 if messages and messages[0][0] > position + 2 else 0), messages[:n]

    def commit(self, sub, number):
        self.position(sub)
        self.r.zadd(self.positions, {sub: number}, gt=True, xx=True)
