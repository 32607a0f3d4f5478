"""Returns what the broker said, a number."""

REJECTED_BY = "not-a-bool"

PUSH = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 1
"""


def put(r, q, item, *, max_len, deadline, clock, sleep):
    while not (stored := r.eval(PUSH, 1, q, max_len, item)):
        if clock() >= deadline:
            return False
        sleep(min(0.02, deadline - clock()))
    return stored
