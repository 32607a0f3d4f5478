"""Gives the marker its lifetime behind the script, at each call: nobody may ever call again."""

REJECTED_BY = "crash-leaves-it-for-ever"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    script = """
    local known = redis.call('GET', KEYS[1])
    if known then return tonumber(known) end
    local balance = redis.call('INCRBY', KEYS[2], ARGV[1])
    redis.call('SET', KEYS[1], balance)
    return balance
    """
    balance = r.eval(script, 2, key, account, cents)
    r.expire(key, window_s, nx=True)
    return balance
