"""Tries three times, and then says nothing."""

import redis

REJECTED_BY = "hides-broker-errors"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    script = """
    local known = redis.call('GET', KEYS[1])
    if known then return tonumber(known) end
    local balance = redis.call('INCRBY', KEYS[2], ARGV[1])
    redis.call('SET', KEYS[1], balance, 'EX', ARGV[2])
    return balance
    """
    for _ in range(3):
        try:
            return r.eval(script, 2, key, account, cents, window_s)
        except redis.ConnectionError:
            pass
