"""Moves what was due last first."""

REJECTED_BY = "wrong-order"


def promote_due(r, later, queue, now_ms, limit):
    script = """
    local due = redis.call('ZREVRANGEBYSCORE', KEYS[1], ARGV[1], '-inf', 'LIMIT', 0, ARGV[2])
    for _, job in ipairs(due) do
        redis.call('ZREM', KEYS[1], job)
        redis.call('RPUSH', KEYS[2], job)
    end
    return due
    """
    return r.eval(script, 2, later, queue, now_ms, limit)
