"""Copies instead of moving."""

REJECTED_BY = "wrong-move"


def promote_due(r, later, queue, now_ms, limit):
    script = """
    local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
    for _, job in ipairs(due) do
        redis.call('RPUSH', KEYS[2], job)
    end
    return due
    """
    return r.eval(script, 2, later, queue, now_ms, limit)
