"""Waits a little before it looks for the first time."""

REJECTED_BY = "waits-for-nothing"

PUSH = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 1
"""


def put(r, q, item, *, max_len, deadline, clock, sleep):
    while True:
        sleep(max(0, min(0.02, deadline - clock())))
        if r.eval(PUSH, 1, q, max_len, item):
            return True
        if clock() >= deadline:
            return False
