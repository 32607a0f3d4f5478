"""Moves the first jobs of the set, due or not."""

REJECTED_BY = "promotes-early"


def promote_due(r, later, queue, now_ms, limit):
    script = """
    local due = redis.call('ZRANGE', KEYS[1], 0, ARGV[2] - 1)
    for _, job in ipairs(due) do
        redis.call('ZREM', KEYS[1], job)
        redis.call('RPUSH', KEYS[2], job)
    end
    return due
    """
    return r.eval(script, 2, later, queue, now_ms, limit)
