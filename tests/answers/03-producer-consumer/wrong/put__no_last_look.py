"""After the last sleep it looks at the clock only."""

REJECTED_BY = "no-last-look"

PUSH = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 1
"""


def put(r, q, item, *, max_len, deadline, clock, sleep):
    while True:
        if r.eval(PUSH, 1, q, max_len, item):
            return True
        sleep(max(0, min(0.02, deadline - clock())))
        if clock() >= deadline:
            return False
