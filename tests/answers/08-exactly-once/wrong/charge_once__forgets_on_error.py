"""Removes the marker when a reply is lost, so that the next one can try."""

import redis

REJECTED_BY = "lost-reply-doubles"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    script = """
    local known = redis.call('GET', KEYS[1])
    if known then return tonumber(known) end
    local balance = redis.call('INCRBY', KEYS[2], ARGV[1])
    redis.call('SET', KEYS[1], balance, 'EX', ARGV[2])
    return balance
    """
    try:
        return r.eval(script, 2, key, account, cents, window_s)
    except redis.ConnectionError:
        r.delete(key)
        raise
