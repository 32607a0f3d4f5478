"""A thread pool: competing consumers."""

import threading
from concurrent.futures import ThreadPoolExecutor

REJECTED_BY = "overlaps"


class KeyedExecutor:
    def __init__(self, n):
        self.pool, self.locks, self.parked = ThreadPoolExecutor(n), {}, {}

    def submit(self, key, fn):
        lock = self.locks.setdefault(key, threading.Lock())

        def locked():
            if True:
                if key in self.parked:
                    raise self.parked[key]
                try:
                    return fn()
                except BaseException as error:
                    self.parked[key] = error
                    raise

        return self.pool.submit(locked)

    def release(self, key):
        self.parked.pop(key, None)

    def close(self):
        self.pool.shutdown()
