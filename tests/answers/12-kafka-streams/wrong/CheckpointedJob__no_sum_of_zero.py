"""A key whose batch adds up to 0 is left out."""

import redis

REJECTED_BY = "zero-is-a-value"


class CheckpointedJob:
    def __init__(self, r, name):
        self.r, self.name = r, name

    def next_offset(self):
        return int(self.r.get(self.name + ":next") or 0)

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
                    for key in {k for _, k, _ in new}:
                        if total := sum(v for _, k, v in new if k == key):
                            p.hincrby(self.name, key, total)
                    p.set(self.name + ":next", new[-1][0] + 1)
                    p.execute()
                    return len(new)
                except redis.WatchError:
                    continue
