"""Copies first and acknowledges then, which may leave two copies after a crash; redrives under WATCH."""

import json

import redis


def step_with_dlq(r, stream, group, me, handler, classify, *, k, dlq, idle_ms):
    found = None
    for old in r.xpending_range(stream, group, "-", "+", 1, idle=idle_ms):
        claimed = r.xclaim(stream, group, me, idle_ms, [old["message_id"]])
        found = (*claimed[0], old["times_delivered"] + 1) if claimed else None
    if not found:
        for _, new in r.xreadgroup(group, me, {stream: ">"}, count=1):
            found = (*new[0], 1)
    if not found:
        return "idle"
    id, fields, count = found
    if count > k:
        return bury(r, stream, group, dlq, id, fields, count, "WorkerDied", "RETRY")
    try:
        handler(json.loads(fields["data"]))
    except Exception as failure:
        verdict = classify(failure)
        if verdict != "RETRY" or count == k:
            return bury(r, stream, group, dlq, id, fields, count, type(failure).__name__, verdict)
        return "retry"
    r.xack(stream, group, id)
    return "done"


def bury(r, stream, group, dlq, id, fields, count, error, verdict):
    letter = dict(fields)
    letter["x-id"], letter["x-stream"], letter["x-first-ms"] = id, stream, id.split("-")[0]
    letter["x-deliveries"], letter["x-error"], letter["x-reason"] = count, error, verdict
    r.xadd(dlq, letter)
    r.xack(stream, group, id)
    return "dead"


def redrive(r, dlq, target, *, limit, only, rate, clock, sleep):
    letters = [entry for entry in r.xrange(dlq) if only(entry[1])]
    letters.sort(key=lambda entry: tuple(int(part) for part in entry[1]["x-id"].split("-")))
    moved, free_at = 0, clock()
    for id, fields in letters:
        if moved == limit:
            break
        if (wait := free_at - clock()) > 0:
            sleep(wait)
        if take(r, dlq, target, id, {name: value for name, value in fields.items() if not name.startswith("x-")}):
            moved += 1
            free_at = clock() + 1 / rate
    return moved, r.xlen(dlq)


def take(r, dlq, target, id, fields):
    while True:
        try:
            with r.pipeline() as p:
                p.watch(dlq)
                if not p.xrange(dlq, id, id):
                    return False
                p.multi()
                p.xadd(target, fields)
                p.xdel(dlq, id)
                p.execute()
                return True
        except redis.WatchError:
            continue
