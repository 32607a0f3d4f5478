"""Gives the marker its lifetime in a second command."""

REJECTED_BY = "crash-leaves-it-for-ever"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    script = """
    local known = redis.call('GET', KEYS[1])
    if known then return {0, tonumber(known)} end
    local balance = redis.call('INCRBY', KEYS[2], ARGV[1])
    redis.call('SET', KEYS[1], balance)
    return {1, balance}
    """
    new, balance = r.eval(script, 2, key, account, cents)
    if new:
        r.expire(key, window_s)
    return balance
