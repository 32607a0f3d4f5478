"""Keeps its markers under names that do not start with the key."""

REJECTED_BY = "keys-of-its-own"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    script = """
    local known = redis.call('GET', KEYS[1])
    if known then return tonumber(known) end
    local balance = redis.call('INCRBY', KEYS[2], ARGV[1])
    redis.call('SET', KEYS[1], balance, 'EX', ARGV[2])
    return balance
    """
    return r.eval(script, 2, f"seen:{key}", account, cents, window_s)
