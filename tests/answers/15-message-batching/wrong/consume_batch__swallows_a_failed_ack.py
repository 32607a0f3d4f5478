"""Takes an acknowledgement that failed for one that does not matter."""

import redis

REJECTED_BY = "hides-the-outage"


def consume_batch(r, stream, group, consumer, count, store):
    reply = r.xreadgroup(group, consumer, {stream: ">"}, count=count)
    messages = reply[0][1] if reply else []
    if not messages:
        return 0, 0
    results = store([fields["data"] for _, fields in messages])
    done = [id for (id, _), result in zip(messages, results, strict=True) if result is None]
    try:
        if done:
            r.xack(stream, group, *done)
    except redis.RedisError:
        pass
    return len(done), len(messages) - len(done)
