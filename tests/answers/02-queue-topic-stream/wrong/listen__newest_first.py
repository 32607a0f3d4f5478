"""Returns the newest message first."""

import redis

REJECTED_BY = "wrong-messages"


def listen(r, stream, name, ttl_s):
    key = f"{stream}:cursor:{name}"
    while True:
        with r.pipeline() as p:
            p.watch(key)
            cursor = p.get(key)
            if cursor is None:
                last = p.xrevrange(stream, count=1)
                texts, cursor = None, last[0][0] if last else "0-0"
            else:
                entries = p.xrange(stream, f"({cursor}")
                texts = [fields["text"] for _, fields in entries[::-1]]
                cursor = entries[-1][0] if entries else cursor
            p.multi()
            p.set(key, cursor, ex=ttl_s)
            try:
                p.execute()
            except redis.WatchError:
                continue
            return texts
