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
LISTEN = """
local cursor = redis.call('GET', KEYS[2])
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local now = last[1] and last[1][1] or cursor or '0-0'
redis.call('SETEX', KEYS[2], ARGV[1], now)
if not cursor then
    return false
end
local texts = {}
for i, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. cursor, now)) do
    texts[i] = entry[2][2]
end
return texts
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


def listen(r, stream, name, ttl_s):
    return r.eval(LISTEN, 2, stream, f"{stream}:cursor:{name}", ttl_s)
