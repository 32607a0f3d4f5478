"""Keeps all minutes in one hash, whose lifetime each tick prolongs: none is ever forgotten."""

REJECTED_BY = "marks-for-ever"


def cron_tick(r, queue, job, minute):
    script = """
    if redis.call('HSETNX', KEYS[2], ARGV[1], 1) == 0 then return 0 end
    redis.call('EXPIRE', KEYS[2], 86400)
    redis.call('RPUSH', KEYS[1], ARGV[1])
    return 1
    """
    return bool(r.eval(script, 2, queue, f"{queue}:ran", f"{job}@{minute}"))
