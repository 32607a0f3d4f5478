"""As in the solution."""

import threading


def best_batch(alpha, beta, lam, budget):
    b = int((budget - alpha + 1 / lam) // (1 / lam + beta))
    if b < 1 or alpha + beta * b > b / lam:
        return None
    return b, budget - alpha - beta * b


class Batcher:
    def __init__(self, send, max_items, max_bytes, linger, clock):
        self.send, self.max_items, self.max_bytes, self.linger, self.clock = send, max_items, max_bytes, linger, clock
        self.error, self.items, self.first, self.lock = None, [], 0.0, threading.Lock()

    def add(self, item):
        if len(item) > self.max_bytes:
            raise ValueError("too large")
        with self.lock:
            if (self.full() or self.size() + len(item) > self.max_bytes) and not self.attempt():
                return False
            if not self.items:
                self.first = self.clock()
            self.items.append(item)
            if self.full():
                self.attempt()
            return True

    def tick(self):
        with self.lock:
            if self.items and (self.full() or self.clock() - self.first >= self.linger):
                self.attempt()

    def close(self):
        with self.lock:
            if self.items and not self.attempt():
                raise self.error

    def size(self):
        return sum(map(len, self.items))

    def full(self):
        return len(self.items) >= self.max_items or self.size() >= self.max_bytes

    def attempt(self):
        try:
            self.send(list(self.items))
        except Exception as error:
            self.error = error
            return False
        self.items, self.error = [], None
        return True


def send_isolating(items, send):
    if not items:
        return [], []
    try:
        send(items)
        return list(items), []
    except ValueError:
        if len(items) == 1:
            return [], list(items)
    half = len(items) // 2
    left, right = send_isolating(items[:half], send), send_isolating(items[half:], send)
    return left[0] + right[0], left[1] + right[1]


def consume_batch(r, stream, group, consumer, count, store):
    reply = r.xreadgroup(group, consumer, {stream: ">"}, count=count)
    messages = reply[0][1] if reply else []
    if not messages:
        return 0, 0
    results = store([fields["data"] for _, fields in messages])
    done = [id for (id, _), result in zip(messages, results, strict=True) if result is None]
    if done:
        r.xack(stream, group, *done)
    return len(done), len(messages) - len(done)


class BatchSize:
    def __init__(self, target, most):
        self.target, self.most, self.b = target, most, 1.0

    def next(self):
        return int(self.b)

    def sent(self, b, seconds):
        factor = 0.85 * self.target / seconds
        self.b = min(float(self.most), max(1.0, self.b * min(2.0, factor)))
