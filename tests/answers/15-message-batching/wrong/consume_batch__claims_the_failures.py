"""Reads with NOACK and makes only the failures pending afterwards."""

REJECTED_BY = "acks-before-storing"


def consume_batch(r, stream, group, consumer, count, store):
    reply = r.xreadgroup(group, consumer, {stream: ">"}, count=count, noack=True)
    messages = reply[0][1] if reply else []
    if not messages:
        return 0, 0
    failed = [id for id, _ in messages]
    try:
        results = store([fields["data"] for _, fields in messages])
        failed = [id for id, result in zip(failed, results, strict=True) if result is not None]
    finally:
        if failed:
            r.xclaim(stream, group, consumer, 0, failed, force=True, justid=True)
    return len(messages) - len(failed), len(failed)
