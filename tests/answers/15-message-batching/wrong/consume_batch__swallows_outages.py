"""Takes an error of the broker for an empty stream."""

import redis

REJECTED_BY = "hides-the-outage"


def consume_batch(r, stream, group, consumer, count, store):
    try:
        reply = r.xreadgroup(group, consumer, {stream: ">"}, count=count)
    except redis.RedisError:
        return 0, 0
    messages = reply[0][1] if reply else []
    if not messages:
        return 0, 0
    results = store([fields["data"] for _, fields in messages])
    done = [id for (id, _), result in zip(messages, results, strict=True) if result is None]
    if done:
        r.xack(stream, group, *done)
    return len(done), len(messages) - len(done)
