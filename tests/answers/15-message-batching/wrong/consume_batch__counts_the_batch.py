"""Returns the size of the batch as stored."""

REJECTED_BY = "wrong-return"


def consume_batch(r, stream, group, consumer, count, store):
    reply = r.xreadgroup(group, consumer, {stream: ">"}, count=count)
    messages = reply[0][1] if reply else []
    if not messages:
        return 0, 0
    results = store([fields["data"] for _, fields in messages])
    done = [id for (id, _), result in zip(messages, results, strict=True) if result is None]
    if done:
        r.xack(stream, group, *done)
    return len(messages), len(messages) - len(done)
