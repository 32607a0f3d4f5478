"""Has a clock of its own: measures how long it has waited with time.monotonic()."""

import time

REJECTED_BY = "other-clock"

PUSH = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 1
"""


def put(r, q, item, *, max_len, deadline, clock, sleep):
    begin, allowed = time.monotonic(), deadline - clock()
    while not r.eval(PUSH, 1, q, max_len, item):
        if time.monotonic() - begin >= allowed:
            return False
        time.sleep(0.02)
    return True
