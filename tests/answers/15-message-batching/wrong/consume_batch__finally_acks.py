"""Acknowledges in a finally, also when store has raised."""

REJECTED_BY = "acks-failures"


def consume_batch(r, stream, group, consumer, count, store):
    reply = r.xreadgroup(group, consumer, {stream: ">"}, count=count)
    messages = reply[0][1] if reply else []
    if not messages:
        return 0, 0
    done = [id for id, _ in messages]
    try:
        results = store([fields["data"] for _, fields in messages])
        done = [id for id, result in zip(done, results, strict=True) if result is None]
    finally:
        if done:
            r.xack(stream, group, *done)
    return len(done), len(messages) - len(done)
