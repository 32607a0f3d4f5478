"""Marks in keys outside the queue's name."""

REJECTED_BY = "wrong-place"


def cron_tick(r, queue, job, minute):
    script = """
    if not redis.call('SET', KEYS[2], 1, 'NX', 'EX', 86400) then return 0 end
    redis.call('RPUSH', KEYS[1], ARGV[1])
    return 1
    """
    return bool(r.eval(script, 2, queue, f"cron:{job}:{minute}", f"{job}@{minute}"))
