"""Sleeps through to the deadline and looks then."""

REJECTED_BY = "slow-to-notice"

PUSH = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 1
"""


def put(r, q, item, *, max_len, deadline, clock, sleep):
    if r.eval(PUSH, 1, q, max_len, item):
        return True
    if deadline > clock():
        sleep(deadline - clock())
    return bool(r.eval(PUSH, 1, q, max_len, item))
