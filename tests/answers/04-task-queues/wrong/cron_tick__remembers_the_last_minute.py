"""Remembers the last minute per job and skips all before it."""

REJECTED_BY = "skips-other-minutes"


def cron_tick(r, queue, job, minute):
    script = """
    if tonumber(redis.call('GET', KEYS[2]) or 0) >= tonumber(ARGV[2]) then return 0 end
    redis.call('SET', KEYS[2], ARGV[2], 'EX', 86400)
    redis.call('RPUSH', KEYS[1], ARGV[1])
    return 1
    """
    return bool(r.eval(script, 2, queue, f"{queue}:cron:{job}", f"{job}@{minute}", minute))
