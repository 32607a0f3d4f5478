"""Remembers the last key of each account."""

REJECTED_BY = "remembers-the-last"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    script = """
    local last = redis.call('HMGET', KEYS[1], 'key', 'balance')
    if last[1] == ARGV[3] then return tonumber(last[2]) end
    local balance = redis.call('INCRBY', KEYS[2], ARGV[1])
    redis.call('HSET', KEYS[1], 'key', ARGV[3], 'balance', balance)
    redis.call('EXPIRE', KEYS[1], ARGV[2])
    return balance
    """
    return r.eval(script, 2, f"pay:last:{account}", account, cents, window_s, key)
