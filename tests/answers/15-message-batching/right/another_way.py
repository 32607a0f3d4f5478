"""A search for the size, two buffers and an RLock, a stack of halves that leaves out sends that must fail, a Lua-free
consumer by Exception, additive growth."""

import threading


def best_batch(alpha, beta, lam, budget):
    gap, b = 1 / lam, 0
    while b * gap + alpha + beta * (b + 1) <= budget:
        b += 1
    if b == 0 or lam * (alpha + beta * b) > b:
        return None
    return b, (b - 1) * gap


class Batcher:
    def __init__(self, send, max_items, max_bytes, linger, clock):
        self.send, self.max_items, self.max_bytes, self.linger, self.clock = send, max_items, max_bytes, linger, clock
        self.error, self.waiting, self.bytes, self.due = None, [], 0, None
        self.state, self.sending = threading.RLock(), threading.RLock()  # the second is held during a send

    def add(self, item):
        if len(item) > self.max_bytes:
            raise ValueError(f"{len(item)} bytes")
        with self.sending:
            if not self._fits(item):
                self._flush()
            with self.state:
                if not self._fits(item):
                    return False
                self.waiting.append(item)
                self.bytes += len(item)
                if self.due is None:
                    self.due = self.clock() + self.linger
                full = self._full()
            if full:
                self._flush()
        return True

    def tick(self):
        with self.sending:
            if self._full() or self.due is not None and self.clock() >= self.due:
                self._flush()

    def close(self):
        with self.sending:
            self._flush()
            if self.waiting:
                raise self.error

    def _full(self):
        return len(self.waiting) >= self.max_items or self.bytes >= self.max_bytes

    def _fits(self, item):
        return len(self.waiting) < self.max_items and self.bytes + len(item) <= self.max_bytes

    def _flush(self):
        with self.state:
            batch = tuple(self.waiting)
        if not batch:
            return
        try:
            self.send(list(batch))
        except Exception as error:
            self.error = error
            return
        with self.state:
            del self.waiting[: len(batch)]
            self.bytes -= sum(map(len, batch))
            self.due, self.error = None, None


def send_isolating(items, send):
    bad = set()

    def walk(start, end, surely_bad=False):
        """Whether all was accepted."""
        if not surely_bad:
            try:
                send(items[start:end])
                return True
            except ValueError:
                pass
        if end - start == 1:
            bad.add(start)
            return False
        middle = (start + end) // 2
        left = walk(start, middle)
        walk(middle, end, surely_bad=left)  # the whole was refused: if its left half was not, the right one must be
        return False

    if items:
        walk(0, len(items))
    return [item for n, item in enumerate(items) if n not in bad], [items[n] for n in sorted(bad)]


def consume_batch(r, stream, group, consumer, count, store):
    stored, failed = [], 0
    for _, messages in r.xreadgroup(group, consumer, streams={stream: ">"}, count=count) or []:
        answers = iter(store([fields["data"] for _, fields in messages]))
        for id, _ in messages:
            if isinstance(next(answers), Exception):
                failed += 1
            else:
                stored.append(id)
    if stored:
        r.execute_command("XACK", stream, group, *stored)
    return [len(stored), failed]


class BatchSize:
    def __init__(self, target, most):
        self.target, self.most, self.size, self.starting = target, most, 1.0, True

    def next(self):
        return min(self.most, max(1, int(self.size)))

    def sent(self, b, seconds):
        if seconds > self.target:
            self.size, self.starting = max(1.0, self.size * 0.8), False
        elif self.starting:
            self.size = min(self.most, self.size * 1.5)
        else:
            self.size = min(self.most, self.size * 1.015 + 0.02)
