"""Tries three times, and then returns as if it had been written."""

import redis

REJECTED_BY = "hides-broker-errors"


class OffsetTracker:
    RAISE = """
    if tonumber(redis.call('GET', KEYS[1]) or 0) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
    """

    def __init__(self, r, key):
        self.r, self.key = r, key
        self.watermark = self.written = int(r.get(key) or 0)
        self.finished = set()

    def done(self, offset):
        if offset >= self.watermark:
            self.finished.add(offset)
        while self.watermark in self.finished:
            self.finished.remove(self.watermark)
            self.watermark += 1
        if self.watermark > self.written:
            for _ in range(3):
                try:
                    self.r.eval(self.RAISE, 1, self.key, self.watermark)
                    self.written = self.watermark
                    break
                except redis.RedisError:
                    pass
        return self.watermark
