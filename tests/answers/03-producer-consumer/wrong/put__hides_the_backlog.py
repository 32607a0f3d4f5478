"""A full queue: keeps the message in a list of its own and says that all is well."""

REJECTED_BY = "hides-the-backlog"

PUSH = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then
    return 0
end
redis.call('RPUSH', KEYS[1], ARGV[2])
return 1
"""
BACKLOG = []


def put(r, q, item, *, max_len, deadline, clock, sleep):
    if not r.eval(PUSH, 1, q, max_len, item):
        BACKLOG.append(item)
    return True
