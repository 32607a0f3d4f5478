"""Goes on where XAUTOCLAIM stopped, once."""

import json

REJECTED_BY = "stops-at-the-busy"


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
    cursor = "0-0"
    for _ in range(2):
        cursor, old, _ = r.xautoclaim(stream, group, me, idle_ms, start_id=cursor, count=1)
        for id, fields in old:
            return id, fields, r.xpending_range(stream, group, id, id, 1)[0]["times_delivered"]
    for _, entries in r.xreadgroup(group, me, {stream: ">"}, count=1):
        for id, fields in entries:
            return id, fields, 1
    return None, None, None
