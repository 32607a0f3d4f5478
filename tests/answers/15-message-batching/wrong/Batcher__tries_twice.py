"""Tries the full batch twice before it says False."""

import threading

REJECTED_BY = "tries-again-at-once"


class Batcher:
    def __init__(self, send, max_items, max_bytes, linger, clock):
        self.send, self.max_items, self.max_bytes, self.linger, self.clock = send, max_items, max_bytes, linger, clock
        self.error, self.items, self.first, self.lock = None, [], 0.0, threading.Lock()

    def add(self, item):
        if len(item) > self.max_bytes:
            raise ValueError("too large")
        with self.lock:
            if (self.full() or self.size() + len(item) > self.max_bytes) and not (self.attempt() or self.attempt()):
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
