"""A record of value 0 changes no sum. But it has an offset, and is counted."""

import redis

REJECTED_BY = "zero-is-a-value"


class CheckpointedJob:
    def __init__(self, r, name):
        self.r, self.name = r, name

    def next_offset(self):
        return int(self.r.get(self.name + ":next") or 0)

    def run(self, records):
        records = [record for record in records if record[2]]
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
