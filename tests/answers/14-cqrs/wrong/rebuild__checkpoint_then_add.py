"""Notes how far it is, and then adds."""

REJECTED_BY = "half-done"


def rebuild(r, stream, name):
    shadow = f"{name}:next"
    while sales := r.xrange(stream, f"({r.hget(shadow, 'checkpoint') or '0-0'}", count=100):
        r.hset(shadow, "checkpoint", sales[-1][0])
        with r.pipeline() as p:
            for _, sale in sales:
                p.hincrby(shadow, sale["customer"], sale["total"])
            p.execute()
    swap(r, stream, shadow, name)


def swap(r, stream, shadow, name):
    script = """
    local at = redis.call('HGET', KEYS[1], 'checkpoint')
    if #redis.call('XRANGE', KEYS[3], '(' .. at, '+', 'COUNT', 1) > 0 then return 0 end
    redis.call('RENAME', KEYS[1], KEYS[2])
    return 1
    """
    if not r.eval(script, 3, shadow, name, stream):
        rebuild(r, stream, name)
