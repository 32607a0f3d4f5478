"""Sets the account to the amount when it cannot be read."""

REJECTED_BY = "swallows-the-error"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    script = """
    local known = redis.call('GET', KEYS[1])
    if known then return tonumber(known) end
    if not tonumber(redis.call('GET', KEYS[2]) or 0) then return 0 end
    local balance = redis.call('INCRBY', KEYS[2], ARGV[1])
    redis.call('SET', KEYS[1], balance, 'EX', ARGV[2])
    return balance
    """
    return r.eval(script, 2, key, account, cents, window_s)
