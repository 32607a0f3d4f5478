"""Knows OrderPlaced by its version: takes it to be 1."""

REJECTED_BY = "late-placed-lost"


def apply(r, view: str, event: dict) -> None:
    script = """
    if ARGV[2] == '1' then
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
