"""Compares as text: '10' is smaller than '9', and the commit stays."""

REJECTED_BY = "not-committed"


class OffsetTracker:
    RAISE = """
    if (redis.call('GET', KEYS[1]) or '0') < ARGV[1] then redis.call('SET', KEYS[1], ARGV[1]) end
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
            self.r.eval(self.RAISE, 1, self.key, self.watermark)
            self.written = self.watermark
        return self.watermark
