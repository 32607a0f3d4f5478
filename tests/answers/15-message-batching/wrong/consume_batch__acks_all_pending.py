"""Acknowledges whatever is pending and did not fail in this batch."""

REJECTED_BY = "acks-others"


def consume_batch(r, stream, group, consumer, count, store):
    reply = r.xreadgroup(group, consumer, {stream: ">"}, count=count)
    messages = reply[0][1] if reply else []
    if not messages:
        return 0, 0
    results = store([fields["data"] for _, fields in messages])
    done = [id for (id, _), result in zip(messages, results, strict=True) if result is None]
    if done and len(messages) == 1:
        r.xack(stream, group, *[each["message_id"] for each in r.xpending_range(stream, group, "-", "+", count)])
    elif done:
        r.xack(stream, group, *done)
    return len(done), len(messages) - len(done)
