"""Each dead letter has the number of its entry, so that a second copy is refused."""

import json
import urllib.error

PERMANENT = (ValueError, LookupError, TypeError, ArithmeticError)


def classify(exc):
    match exc:
        case json.JSONDecodeError() | UnicodeDecodeError():
            return "INVALID"
        case urllib.error.HTTPError(code=408 | 429):
            return "RETRY"
        case urllib.error.HTTPError(code=code):
            return "RETRY" if 500 <= code < 600 else "DEAD"
    return "DEAD" if isinstance(exc, PERMANENT) else "RETRY"


def step_with_dlq(r, stream, group, me, handler, classify, *, k, dlq, idle_ms):
    entry = oldest(r, stream, group, me, idle_ms) or newest(r, stream, group, me)
    if not entry:
        return "idle"
    id, fields = entry
    deliveries = r.xpending_range(stream, group, id, id, 1)[0]["times_delivered"]
    error, verdict = "WorkerDied", "RETRY"
    if deliveries <= k:
        try:
            handler(json.loads(fields["data"]))
            error = None
        except Exception as failure:
            error, verdict = type(failure).__name__, classify(failure)
            if verdict == "RETRY" and deliveries < k:
                return "retry"
    if error:
        if not any(letter.get("x-id") == id for _, letter in r.xrange(dlq)):
            death = {"x-id": id, "x-stream": stream, "x-first-ms": id.split("-")[0], "x-deliveries": deliveries}
            r.xadd(dlq, fields | death | {"x-error": error, "x-reason": verdict})
    r.xack(stream, group, id)
    return "dead" if error else "done"


def oldest(r, stream, group, me, idle_ms):
    ids = [waiting["message_id"] for waiting in r.xpending_range(stream, group, "-", "+", 1, idle=idle_ms)]
    return next(iter(r.xclaim(stream, group, me, idle_ms, ids)), None) if ids else None


def newest(r, stream, group, me):
    return next((entry for _, new in r.xreadgroup(group, me, {stream: ">"}, count=1) for entry in new), None)
