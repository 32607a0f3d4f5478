"""Reads under a fixed name, not under the one it was given."""

REJECTED_BY = "another-name"


def consume_batch(r, stream, group, consumer, count, store):
    reply = r.xreadgroup(group, "worker", {stream: ">"}, count=count)
    messages = reply[0][1] if reply else []
    if not messages:
        return 0, 0
    results = store([fields["data"] for _, fields in messages])
    done = [id for (id, _), result in zip(messages, results, strict=True) if result is None]
    if done:
        r.xack(stream, group, *done)
    return len(done), len(messages) - len(done)
