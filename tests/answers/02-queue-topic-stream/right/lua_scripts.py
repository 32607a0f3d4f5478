"""Lua scripts: every look and its act are one step."""

import redis

GROUP = """
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[2], 'MKSTREAM')
if made.err then
    if string.find(made.err, 'BUSYGROUP') then
        return 0
    end
    return made
end
return 1
"""
TAIL = """
local cursor = ARGV[1]
if cursor == '$' then
    local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
    return {last[1] and last[1][1] or '0-0', {}}
end
local entries = redis.call('XRANGE', KEYS[1], '(' .. cursor, '+', 'COUNT', ARGV[2])
if #entries > 0 then
    cursor = entries[#entries][1]
end
return {cursor, entries}
"""
READ = """
local cursor = redis.call('GET', KEYS[2])
if not cursor then
    return false
end
local texts = {}
for i, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. cursor, '+')) do
    texts[i], cursor = entry[2][2], entry[1]
end
redis.call('SETEX', KEYS[2], ARGV[1], cursor)
return texts
"""
JOIN = """
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local now = redis.call('GET', KEYS[2]) or (last[1] and last[1][1]) or '0-0'
redis.call('SETEX', KEYS[2], ARGV[1], now)
"""


def choose_model(need):
    several = need["parties"] > 1
    if need["read_again"] or (several and not need["may_miss"]):
        return "stream"
    return "pubsub" if several else "queue"


def ensure_group(r, stream, group, start):
    return r.eval(GROUP, 1, stream, group, start) == 1


def tail(r, stream, cursor, n):
    cursor, entries = r.eval(TAIL, 1, stream, cursor, n)
    return [(id, dict(zip(flat[::2], flat[1::2]))) for id, flat in entries], cursor


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    """Deletes by id, also what lies between two entries that are still needed."""
    if not r.exists(stream):
        return 0
    groups = r.xinfo_stream(stream, full=True)["groups"]
    if not groups:
        return 0
    cursor = min((group["last-delivered-id"] for group in groups), key=pair)
    pending = {entry[0] for group in groups for entry in group["pending"]}
    done = [id for id, _ in r.xrange(stream, "-", cursor) if id not in pending]
    return r.xdel(stream, *done) if done else 0


class Broadcast:
    def __init__(self, r, stream, ttl_s):
        self.r, self.stream, self.ttl_s = r, stream, ttl_s

    def publish(self, text):
        return self.r.xadd(self.stream, {"message": text})

    def join(self, name):
        self.r.eval(JOIN, 2, self.stream, f"{self.stream}:cursor:{name}", self.ttl_s)

    def read(self, name):
        texts = self.r.eval(READ, 2, self.stream, f"{self.stream}:cursor:{name}", self.ttl_s)
        if texts is None:
            raise KeyError(name)
        return texts

    def trim(self):
        cursors = [self.r.get(key) for key in self.r.scan_iter(f"{self.stream}:cursor:*", count=1000)]
        alive = [tuple(map(int, cursor.split("-"))) for cursor in cursors if cursor]
        if not alive:
            return 0
        ms, seq = min(alive)
        return self.r.xtrim(self.stream, minid=f"{ms}-{seq + 1}", approximate=False)
