"""Keeps a list of all who ever joined; who has no cursor any more counts as having read nothing."""

import redis

REJECTED_BY = "dead-holds-back"


class Broadcast:
    def __init__(self, r, stream, ttl_s):
        self.r, self.stream, self.ttl_s = r, stream, ttl_s

    def key(self, name):
        return f"{self.stream}:cursor:{name}"

    def publish(self, text):
        return self.r.xadd(self.stream, {"text": text})

    def join(self, name):
        last = self.r.xrevrange(self.stream, count=1)
        self.r.sadd(f"{self.stream}:names", name)
        if not self.r.set(self.key(name), last[0][0] if last else "0-0", nx=True, ex=self.ttl_s):
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
        names = self.r.smembers(f"{self.stream}:names")
        cursors = [self.r.get(self.key(name)) or "0-0" for name in names]
        oldest = min(cursors, key=lambda id: tuple(map(int, id.split("-"))))
        return self.r.xtrim(self.stream, minid=oldest, approximate=False)
