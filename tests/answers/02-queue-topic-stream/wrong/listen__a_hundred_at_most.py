"""Gives at most a hundred texts, and moves the cursor to the end."""

REJECTED_BY = "not-all-of-them"


def listen(r, stream, name, ttl_s):
    script = """
    local cursor = redis.call('GET', KEYS[2])
    local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
    local now = last[1] and last[1][1] or cursor or '0-0'
    redis.call('SET', KEYS[2], now, 'EX', ARGV[1])
    if not cursor then
        return false
    end
    local texts = {}
    for i, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. cursor, now, 'COUNT', 100)) do
        texts[i] = entry[2][2]
    end
    return texts
    """
    return r.eval(script, 2, stream, f"{stream}:cursor:{name}", ttl_s)
