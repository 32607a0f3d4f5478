"""Adds to what is no whole number."""

REJECTED_BY = "swallows-the-error"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    script = """
    local known = redis.call('GET', KEYS[1])
    if known then return known end
    local balance = redis.call('INCRBYFLOAT', KEYS[2], ARGV[1])
    redis.call('SET', KEYS[1], balance, 'EX', ARGV[2])
    return balance
    """
    return int(float(r.eval(script, 2, key, account, cents, window_s)))
