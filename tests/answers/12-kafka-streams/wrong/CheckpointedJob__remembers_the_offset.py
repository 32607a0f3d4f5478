"""next_offset is what it was when the object was made."""

import redis

REJECTED_BY = "wrong-offset"


class CheckpointedJob:
    def __init__(self, r, name):
        self.r, self.name, self.began = r, name, int(r.get(name + ":next") or 0)

    def next_offset(self):
        return self.began

    def run(self, records):
        with self.r.pipeline() as p:
            while True:
                try:
                    p.watch(self.name + ":next")
                    nxt = int(p.get(self.name + ":next") or 0)
                    new = [x for x in records if x[0] >= nxt]
                    if not new:
                        return 0
                    p.multi()
                    for _, k, v in new:
                        p.hincrby(self.name, k, v)
                    p.set(self.name + ":next", new[-1][0] + 1)
                    p.execute()
                    return len(new)
                except redis.WatchError:
                    continue
