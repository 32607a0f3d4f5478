"""A sum of 0 is taken for no sum."""

import math

REJECTED_BY = "zero-is-a-value"


class TumblingSum:
    def __init__(self, size, grace, partitions, idle, clock):
        self.size, self.grace, self.idle, self.clock = size, grace, idle, clock
        self.time = dict.fromkeys(partitions)
        self.heard = dict.fromkeys(partitions, clock())
        self.wm = -math.inf
        self.open = {}

    def over(self, start):
        return start + self.size + self.grace <= self.wm

    def tick(self):
        now = self.clock()
        live = [p for p in self.time if now - self.heard[p] <= self.idle]
        times = [self.time[p] for p in live]
        if times and None not in times:
            self.wm = max(self.wm, min(times))
        done = sorted(k for k in self.open if self.over(k[0]))
        return [(s, k, v) for s, k in done if (v := self.open.pop((s, k)))]

    def add(self, partition, ts, key, value):
        closed = self.tick()
        start = ts // self.size * self.size
        late = self.over(start)
        if not late:
            self.open[start, key] = self.open.get((start, key), 0) + value
        self.heard[partition] = self.clock()
        self.time[partition] = ts if self.time[partition] is None else max(ts, self.time[partition])
        return closed + self.tick(), late
