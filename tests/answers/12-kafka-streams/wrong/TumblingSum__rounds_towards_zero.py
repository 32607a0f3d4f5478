"""W11: int() puts times just below 0 into the window of 0."""

import math

REJECTED_BY = "rounds-towards-zero"


class TumblingSum:
    def __init__(self, size, grace, partitions, idle, clock):
        self.size, self.grace, self.idle, self.clock = size, grace, idle, clock
        self.times = dict.fromkeys(partitions, -math.inf)
        self.heard = dict.fromkeys(partitions, clock())
        self.watermark, self.sums = -math.inf, {}

    def add(self, partition, ts, key, value):
        closed, start = self.tick(), int(ts / self.size) * self.size
        late = self.final(start)
        if not late:
            self.sums[start, key] = self.sums.get((start, key), 0) + value
        self.times[partition] = max(self.times[partition], ts)
        self.heard[partition] = self.clock()
        return closed + self.tick(), late

    def tick(self):
        now = self.clock()
        active = [time for p, time in self.times.items() if now - self.heard[p] <= self.idle]
        self.watermark = max(self.watermark, min(active, default=-math.inf))
        return [(*each, self.sums.pop(each)) for each in sorted(self.sums) if self.final(each[0])]

    def final(self, start):
        return start + self.size + self.grace <= self.watermark
