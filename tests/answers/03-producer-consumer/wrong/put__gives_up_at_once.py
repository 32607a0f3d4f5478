"""Tries once and gives up, deadline or not."""

REJECTED_BY = "gives-up-early"

PUSH = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 1
"""


def put(r, q, item, *, max_len, deadline, clock, sleep):
    clock()
    return bool(r.eval(PUSH, 1, q, max_len, item))
