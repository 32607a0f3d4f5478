"""Takes a lock for the write; a killed consumer never gives it back."""

REJECTED_BY = "stuck-after-a-crash"


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
            for _ in range(5):
                if self.r.set(f"{self.key}:lock", 1, nx=True):
                    if int(self.r.get(self.key) or 0) < self.watermark:
                        self.r.set(self.key, self.watermark)
                    self.r.delete(f"{self.key}:lock")
                    break
            self.written = self.watermark
        return self.watermark
