"""Waits by the clock of the machine, in real time."""

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
    while True:
        left = deadline - time.monotonic()
        if r.eval(PUSH, 1, q, max_len, item):
            return True
        if left <= 0:
            return False
        time.sleep(min(left, 0.02))
