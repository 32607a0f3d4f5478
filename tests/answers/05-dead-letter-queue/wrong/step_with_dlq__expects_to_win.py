"""Expects that XCLAIM returns the entry, also when another worker was faster."""

import json

REJECTED_BY = "falls-over-a-rival"


def step_with_dlq(r, stream, group, me, handler, classify, *, k, dlq, idle_ms):
    id, fields, deliveries = take(r, stream, group, me, idle_ms)
    if id is None:
        return "idle"
    if deliveries > k:
        error, verdict = "WorkerDied", "RETRY"
    else:
        try:
            handler(json.loads(fields["data"]))
        except Exception as exc:
            error, verdict = type(exc).__name__, classify(exc)
        else:
            r.xack(stream, group, id)
            return "done"
        if verdict == "RETRY" and deliveries < k:
            return "retry"
    death = {"x-id": id, "x-stream": stream, "x-first-ms": id.split("-")[0], "x-deliveries": deliveries}
    death |= {"x-error": error, "x-reason": verdict}
    with r.pipeline() as both:
        both.xadd(dlq, fields | death).xack(stream, group, id)
        both.execute()
    return "dead"


def take(r, stream, group, me, idle_ms):
    for waiting in r.xpending_range(stream, group, "-", "+", 1, idle=idle_ms):
        [(id, fields)] = r.xclaim(stream, group, me, idle_ms, [waiting["message_id"]])
        return id, fields, waiting["times_delivered"] + 1
    for _, entries in r.xreadgroup(group, me, {stream: ">"}, count=1):
        for id, fields in entries:
            return id, fields, 1
    return None, None, None
