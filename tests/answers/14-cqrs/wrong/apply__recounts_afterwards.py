"""Writes the row, and then counts all rows anew: in between they disagree."""

REJECTED_BY = "counts-apart"


def apply(r, view, event):
    row, status = f"{view}:order:{event['key']}", event["type"].removeprefix("Order").lower()
    script = """
    if tonumber(ARGV[1]) > tonumber(redis.call('HGET', KEYS[1], 'version') or '0') then
        redis.call('HSET', KEYS[1], 'version', ARGV[1], 'status', ARGV[2])
    end
    """
    if event["type"] == "OrderPlaced":
        body = event["body"]
        r.hset(row, mapping={"customer": body["customer"], "total": body["total"]})
        r.zadd(f"{view}:orders:{body['customer']}", {event["key"]: event["ts_ms"]})
    r.eval(script, 1, row, event["seq"], status)
    recount = """
    redis.call('DEL', KEYS[1])
    for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
        local status = redis.call('HGET', key, 'status')
        if status then redis.call('HINCRBY', KEYS[1], status, 1) end
    end
    """
    r.eval(recount, 1, f"{view}:counts", f"{view}:order:*")
