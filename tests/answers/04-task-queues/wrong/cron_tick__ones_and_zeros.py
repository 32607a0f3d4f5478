"""Returns 1 and 0."""

REJECTED_BY = "wrong-return"


def cron_tick(r, queue, job, minute):
    script = """
    if not redis.call('SET', KEYS[2], 1, 'NX', 'EX', 86400) then return 0 end
    redis.call('RPUSH', KEYS[1], ARGV[1])
    return 1
    """
    return r.eval(script, 2, queue, f"{queue}:cron:{job}:{minute}", f"{job}@{minute}")
