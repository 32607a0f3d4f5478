"""Marker and charge are one step; the answer comes later."""

REJECTED_BY = "no-answer-after-crash"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    script = """
    if redis.call('EXISTS', KEYS[1]) == 1 then return false end
    local balance = redis.call('INCRBY', KEYS[2], ARGV[1])
    redis.call('SET', KEYS[1], '', 'EX', ARGV[2])
    return balance
    """
    balance = r.eval(script, 2, key, account, cents, window_s)
    if balance is None:
        return int(r.get(key) or 0)
    r.set(key, balance, keepttl=True)
    return balance
