"""Forgets what is two hours older than the minute of this call, however short ago it was written."""

REJECTED_BY = "forgets-too-soon"


def cron_tick(r, queue, job, minute):
    script = """
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[2] - 120)
    if redis.call('ZADD', KEYS[2], 'NX', ARGV[2], ARGV[1]) == 0 then return 0 end
    redis.call('EXPIRE', KEYS[2], 86400)
    redis.call('RPUSH', KEYS[1], ARGV[1])
    return 1
    """
    return bool(r.eval(script, 2, queue, f"{queue}:ran", f"{job}@{minute}", minute))
