"""Two steps that may each come twice, everything in the broker, numpy's percentile, one look of the whole search."""

import numpy as np

NEWER = """
local row = redis.call('HMGET', KEYS[1], 'version', 'status')
if tonumber(ARGV[1]) <= tonumber(row[1] or '0') then return end
if row[2] and redis.call('HINCRBY', KEYS[2], row[2], -1) == 0 then redis.call('HDEL', KEYS[2], row[2]) end
redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'status', ARGV[2])
"""


def apply(r, view, event):
    row, body = f"{view}:order:{event['key']}", event["body"]
    if event["type"] == "OrderPlaced":  # only ever one value: writing it twice, or late, is the same
        r.zadd(f"{view}:orders:{body['customer']}", {event["key"]: event["ts_ms"]}, nx=True)
        r.hset(row, mapping={"customer": body["customer"], "total": body["total"]})
    r.eval(NEWER, 2, row, f"{view}:counts", event["seq"], event["type"][5:].lower())


def read_after(r, key, version, timeout, *, clock, sleep):
    deadline, pause = clock() + timeout, 0.001
    while clock() < deadline:
        row = r.hgetall(key)
        if row and int(row["version"]) >= version:
            return row
        sleep(pause)
        pause = min(2 * pause, 0.05)
    row = r.hgetall(key)
    if int(row.get("version") or 0) >= version:
        return row
    raise TimeoutError


ROUND = """
local at = redis.call('HGET', KEYS[1], 'checkpoint') or '0-0'
local sales = redis.call('XRANGE', KEYS[2], '(' .. at, '+', 'COUNT', 100)
for _, entry in ipairs(sales) do
    local sale = {}
    for i = 1, #entry[2], 2 do sale[entry[2][i]] = entry[2][i + 1] end
    redis.call('HINCRBY', KEYS[1], sale.customer, sale.total)
    redis.call('HSET', KEYS[1], 'checkpoint', entry[1])
end
if #sales == 100 or redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('RENAME', KEYS[1], KEYS[3])
return 1
"""


def rebuild(r, stream, name):
    while not r.eval(ROUND, 3, f"{name}:next", stream, name):
        pass


def staleness(r, stream, name, now_ms):
    at, ages = r.hget(name, "checkpoint") or "0-0", []
    while page := r.xread({stream: at}, count=1000):
        ages += [max(0, now_ms - int(id.split("-")[0])) for id, _ in page[0][1]]
        at = page[0][1][-1][0]
    if not ages:
        return 0, 0
    return np.percentile(ages, 95, method="inverted_cdf"), np.max(ages)


def find_orders(r, stream, index, word, now_ms, slo_ms):
    script = """
    local at = redis.call('GET', KEYS[1]) or '0-0'
    return {redis.call('SMEMBERS', KEYS[2]), redis.call('XRANGE', KEYS[3], '(' .. at, '+')}
    """
    found, waiting = r.eval(script, 3, f"{index}:checkpoint", f"{index}:{word}", stream)
    if not waiting or now_ms - int(waiting[0][0].split("-")[0]) <= slo_ms:
        return set(found), "index"
    for _, flat in waiting:
        entry = dict(zip(flat[::2], flat[1::2], strict=True))
        if word in entry["text"].lower().split():
            found.append(entry["order"])
    return set(found), "complete"
