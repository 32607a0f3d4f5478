"""The commit has a lifetime, as if it were a cache."""

REJECTED_BY = "commit-expires"


class OffsetTracker:
    RAISE = """
    if tonumber(redis.call('GET', KEYS[1]) or 0) < tonumber(ARGV[1]) then
    redis.call('SET', KEYS[1], ARGV[1], 'EX', 86400) end
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
