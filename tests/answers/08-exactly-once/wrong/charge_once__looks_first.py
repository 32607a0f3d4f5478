"""Looks for the marker in one step and charges in another."""

REJECTED_BY = "look-then-charge"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    if (known := r.get(key)) is not None:
        return int(known)
    script = """
    local balance = redis.call('INCRBY', KEYS[2], ARGV[1])
    redis.call('SET', KEYS[1], balance, 'EX', ARGV[2])
    return balance
    """
    return r.eval(script, 2, key, account, cents, window_s)
