"""One sorted set of all minutes that ran, scored by the broker's time, and trimmed by it."""


def cron_tick(r, queue, job, minute):
    script = """
    local now = tonumber(redis.call('TIME')[1])
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 7200)
    if redis.call('ZADD', KEYS[2], 'NX', now, ARGV[1]) == 0 then return 0 end
    redis.call('EXPIRE', KEYS[2], 86400)
    redis.call('RPUSH', KEYS[1], ARGV[1])
    return 1
    """
    return bool(r.eval(script, 2, queue, f"{queue}:ran", f"{job}@{minute}"))
