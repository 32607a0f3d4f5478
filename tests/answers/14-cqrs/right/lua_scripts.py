"""One script for each step that must not be divided."""

import math


def apply(r, view: str, event: dict) -> None:
    """Bring one event into the read model; twice is as good as once, and the order does not matter."""
    # What is always true of an order (customer, total) is written whenever it comes; what changes, only if newer.
    script = """
    if ARGV[4] ~= '' then
        redis.call('HSET', KEYS[1], 'customer', ARGV[4], 'total', ARGV[5])
        redis.call('ZADD', KEYS[3], ARGV[6], ARGV[1])
    end
    local row = redis.call('HMGET', KEYS[1], 'version', 'status')
    if tonumber(ARGV[2]) <= tonumber(row[1] or '0') then return end
    if row[2] then redis.call('HINCRBY', KEYS[2], row[2], -1) end
    redis.call('HINCRBY', KEYS[2], ARGV[3], 1)
    redis.call('HSET', KEYS[1], 'version', ARGV[2], 'status', ARGV[3])
    """
    order, body = event["key"], event["body"]
    customer, total = body.get("customer", ""), body.get("total", "")
    r.eval(script, 3, f"{view}:order:{order}", f"{view}:counts", f"{view}:orders:{customer}", order, event["seq"],
           event["type"].removeprefix("Order").lower(), customer, total, event["ts_ms"])


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    """The row at `key`, at least as new as `version`. Raises TimeoutError if it does not come in time."""
    deadline = clock() + timeout
    while True:
        last = clock() >= deadline  # asked before the look, so that the last look is at the end
        row = r.hgetall(key)
        if int(row.get("version", 0)) >= version:
            return row
        if last:
            raise TimeoutError(f"{key} is not at version {version} after {timeout} s")
        sleep(0.01)


STEP = """
if (redis.call('HGET', KEYS[1], 'checkpoint') or '0-0') ~= ARGV[1] then return end
for i = 3, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[1], 'checkpoint', ARGV[2])
"""
# The live view cannot be ahead of the end of the stream. So a new view that is at the end is not behind it.
SWAP = """
local at = redis.call('HGET', KEYS[1], 'checkpoint')
if not at or #redis.call('XRANGE', KEYS[3], '(' .. at, '+', 'COUNT', 1) > 0 then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
return 1
"""


def rebuild(r, stream: str, name: str) -> None:
    """Make the view `name` anew from the stream, beside the old one, and swap."""
    shadow = f"{name}:next"
    while True:
        at = r.hget(shadow, "checkpoint") or "0-0"
        if sales := r.xrange(stream, f"({at}", count=100):
            flat = [value for _, sale in sales for value in (sale["customer"], sale["total"])]
            r.eval(STEP, 1, shadow, at, sales[-1][0], *flat)
        elif r.eval(SWAP, 3, shadow, name, stream):
            return


def staleness(r, stream: str, name: str, now_ms: int) -> tuple[float, float]:
    """(95th percentile, maximum) of the ages in ms of the sales that the view does not show yet."""
    at = r.hget(name, "checkpoint") or "0-0"
    ages = sorted(max(0, now_ms - int(id.split("-")[0])) for id, _ in r.xrange(stream, f"({at}"))
    return (ages[math.ceil(len(ages) * 95 / 100) - 1], ages[-1]) if ages else (0, 0)


def find_orders(r, stream: str, index: str, word: str, now_ms: int,
                slo_ms: float) -> tuple[set[str], str]:
    """The orders whose text has the word; from the index, and complete if the index is too stale."""
    # What waits is read before the index: whatever leaves the one meanwhile is in the other.
    at = r.get(f"{index}:checkpoint") or "0-0"
    waiting = r.xrange(stream, f"({at}")
    found = r.smembers(f"{index}:{word.lower()}")
    if not waiting or now_ms - int(waiting[0][0].split("-")[0]) <= slo_ms:
        return found, "index"
    tail = {entry["order"] for _, entry in waiting if word.lower() in entry["text"].lower().split()}
    return found | tail, "complete"
