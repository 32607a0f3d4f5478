"""A message from below the watermark stays on top of the heap."""

import heapq

REJECTED_BY = "starts-elsewhere"


class OffsetTracker:
    RAISE = """
    if tonumber(redis.call('GET', KEYS[1]) or 0) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
    """

    def __init__(self, r, key):
        self.r, self.key = r, key
        self.watermark = self.written = int(r.get(key) or 0)
        self.heap = []

    def done(self, offset):
        heapq.heappush(self.heap, offset)
        while self.heap and self.heap[0] == self.watermark:
            heapq.heappop(self.heap)
            self.watermark += 1
        if self.watermark > self.written:
            self.r.eval(self.RAISE, 1, self.key, self.watermark)
            self.written = self.watermark
        return self.watermark
