"""Looks, and then asks whether the deadline has come."""

REJECTED_BY = "clock-after-the-look"

PUSH = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 1
"""


def put(r, q, item, *, max_len, deadline, clock, sleep):
    while not r.eval(PUSH, 1, q, max_len, item):
        left = deadline - clock()
        if left <= 0:
            return False
        sleep(min(left, 0.02))
    return True
