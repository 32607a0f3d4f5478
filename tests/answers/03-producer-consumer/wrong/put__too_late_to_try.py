"""Does not try when the deadline has passed."""

REJECTED_BY = "does-not-try"

PUSH = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 1
"""


def put(r, q, item, *, max_len, deadline, clock, sleep):
    while clock() < deadline:
        if r.eval(PUSH, 1, q, max_len, item):
            return True
        sleep(min(0.02, deadline - clock()))
    return False
