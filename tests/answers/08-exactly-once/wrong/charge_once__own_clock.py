"""Computes the end of the window by the caller's clock."""

import time

REJECTED_BY = "wrong-window"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    script = """
    local known = redis.call('GET', KEYS[1])
    if known then return tonumber(known) end
    local balance = redis.call('INCRBY', KEYS[2], ARGV[1])
    redis.call('SET', KEYS[1], balance, 'EXAT', ARGV[2])
    return balance
    """
    return r.eval(script, 2, key, account, cents, int(time.time()) + window_s)
