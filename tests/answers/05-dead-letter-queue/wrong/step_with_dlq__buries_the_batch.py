"""Reads ten entries and buries them all when one fails."""

import json

REJECTED_BY = "condemns-bystanders"


def step_with_dlq(r, stream, group, me, handler, classify, *, k, dlq, idle_ms):
    id, fields, deliveries = take(r, stream, group, me, idle_ms)
    if id is None:
        return "idle"
    try:
        if deliveries <= k:
            handler(json.loads(fields["data"]))
    except Exception as exc:
        error, verdict = type(exc).__name__, classify(exc)
        if verdict == "RETRY" and deliveries < k:
            return "retry"
    else:
        r.xack(stream, group, id)
        return "done"
    batch = [(id, fields)]  # and what comes with it
    batch += [entry for _, new in r.xreadgroup(group, me, {stream: ">"}, count=9) for entry in new]
    for id, fields in batch:
        death = {"x-id": id, "x-stream": stream, "x-first-ms": id.split("-")[0], "x-deliveries": deliveries}
        with r.pipeline() as both:
            both.xadd(dlq, fields | death | {"x-error": error, "x-reason": verdict}).xack(stream, group, id)
            both.execute()
    return "dead"


def take(r, stream, group, me, idle_ms):
    for waiting in r.xpending_range(stream, group, "-", "+", 1, idle=idle_ms):
        for id, fields in r.xclaim(stream, group, me, idle_ms, [waiting["message_id"]]):
            return id, fields, waiting["times_delivered"] + 1
    for _, entries in r.xreadgroup(group, me, {stream: ">"}, count=1):
        for id, fields in entries:
            return id, fields, 1
    return None, None, None
