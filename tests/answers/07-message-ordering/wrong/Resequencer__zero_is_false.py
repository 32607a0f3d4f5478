"""A timeout of 0 is taken for none at all."""

REJECTED_BY = "waits-too-long"


class Resequencer:
    def __init__(self, max_buffer, timeout):
        self.max_buffer, self.timeout = max_buffer, timeout or float("inf")
        self.next, self.waiting = 1, {}

    def push(self, seq, item, now):
        if seq >= self.next and seq not in self.waiting:
            self.waiting[seq] = (item, now)
        out, skipped = self.run(), []
        while self.broken(now):
            smallest = min(self.waiting)
            skipped += range(self.next, smallest)
            self.next = smallest
            out += self.run()
        return out, skipped

    def broken(self, now):
        late = any(now - came >= self.timeout for _, came in self.waiting.values())
        return len(self.waiting) > self.max_buffer or late

    def run(self):
        out = []
        while self.next in self.waiting:
            out.append(self.waiting.pop(self.next)[0])
            self.next += 1
        return out
