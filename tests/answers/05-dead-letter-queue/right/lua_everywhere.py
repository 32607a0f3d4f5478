"""One Lua script buries, another moves; XAUTOCLAIM with its cursor finds what is old."""

import json
import re
import urllib.error

BURY = """
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 1 then
    redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3))
end
"""
MOVE = """
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then
    return 0
end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
return redis.call('XDEL', KEYS[1], ARGV[1])
"""


def classify(exc):
    if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError)):
        return "INVALID"
    if isinstance(exc, urllib.error.HTTPError):
        return "RETRY" if exc.code in {408, 429, *range(500, 600)} else "DEAD"
    return "DEAD" if isinstance(exc, (ValueError, LookupError, TypeError, ArithmeticError)) else "RETRY"


def step_with_dlq(r, stream, group, me, handler, classify, *, k, dlq, idle_ms):
    cursor, entries = "0-0", []
    while not entries:
        cursor, entries, _ = r.xautoclaim(stream, group, me, idle_ms, start_id=cursor, count=1)
        if cursor == "0-0":
            break
    if not entries:
        entries = [entry for _, new in r.xreadgroup(group, me, {stream: ">"}, count=1) for entry in new]
    if not entries:
        return "idle"
    [(id, fields)] = entries
    [pending] = r.xpending_range(stream, group, id, id, 1)
    deliveries = pending["times_delivered"]
    error, reason = "WorkerDied", "RETRY"
    if deliveries <= k:
        try:
            handler(json.loads(fields["data"]))
        except Exception as failure:
            error, reason = type(failure).__name__, classify(failure)
        else:
            r.xack(stream, group, id)
            return "done"
        if reason == "RETRY" and deliveries < k:
            return "retry"
    fields |= {"x-id": id, "x-stream": stream, "x-first-ms": id.partition("-")[0], "x-deliveries": deliveries}
    fields |= {"x-error": error, "x-reason": reason}
    r.eval(BURY, 2, stream, dlq, group, id, *[part for pair in fields.items() for part in pair])
    return "dead"


def redrive(r, dlq, target, *, limit, only, rate, clock, sleep):
    letters = sorted(
        ((tuple(map(int, fields["x-id"].split("-"))), id, fields) for id, fields in r.xrange(dlq) if only(fields)),
        key=lambda letter: letter[0],
    )
    moved, last = 0, None
    for _, id, fields in letters:
        if moved >= limit:
            break
        while last is not None and clock() < last + 1 / rate:
            sleep(last + 1 / rate - clock())
        kept = [part for name, value in fields.items() if name[:2] != "x-" for part in (name, value)]
        if r.eval(MOVE, 2, dlq, target, id, *kept):
            moved, last = moved + 1, clock()
    return moved, r.xlen(dlq)


def triage(r, dlq, known, now_ms, *, max_age_ms):
    groups = {}
    for _, fields in r.xrange(dlq):
        name = f"{fields['x-error']}: {re.sub('[0-9]+', '#', fields['x-text'])}"
        count, first = groups.get(name, (0, now_ms))
        groups[name] = count + 1, min(first, int(fields["x-first-ms"]))
    alarms = []
    for name in sorted(groups, key=lambda name: (-groups[name][0], name)):
        count, first = groups[name]
        if r.execute_command("SADD", known, name) == 1:
            alarms.append(("new", name, count, now_ms - first))
        if now_ms - first > max_age_ms:
            alarms.append(("old", name, count, now_ms - first))
    return alarms
