"""Keeps one cursor for all subscribers."""

import redis

REJECTED_BY = "shares-the-cursor"


class Broadcast:
    def __init__(self, r, stream, ttl_s):
        self.r, self.stream, self.ttl_s = r, stream, ttl_s

    def key(self, name):
        return f"{self.stream}:cursor:all"

    def publish(self, text):
        return self.r.xadd(self.stream, {"text": text})

    def join(self, name):
        last = self.r.xrevrange(self.stream, count=1)
        now = last[0][0] if last else "0-0"
        if not self.r.set(self.key(name), now, nx=True, ex=self.ttl_s):
            self.r.expire(self.key(name), self.ttl_s)

    def read(self, name):
        while True:
            with self.r.pipeline() as p:
                p.watch(self.key(name))
                cursor = p.get(self.key(name))
                if cursor is None:
                    raise KeyError(name)
                entries = p.xrange(self.stream, f"({cursor}")
                p.multi()
                p.set(self.key(name), entries[-1][0] if entries else cursor, ex=self.ttl_s)
                try:
                    p.execute()
                except redis.WatchError:
                    continue
                return [fields["text"] for _, fields in entries]

    def trim(self):
        keys = list(self.r.scan_iter(f"{self.stream}:cursor:*"))
        cursors = [cursor for cursor in self.r.mget(keys) if cursor] if keys else []
        if not cursors:
            return 0
        oldest = min(cursors, key=lambda id: tuple(map(int, id.split("-"))))
        return self.r.xtrim(self.stream, minid=oldest, approximate=False)
