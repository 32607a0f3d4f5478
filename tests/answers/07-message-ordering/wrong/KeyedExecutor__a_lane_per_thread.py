"""A hash of the key chooses the thread: two keys may share one."""

import zlib
from concurrent.futures import ThreadPoolExecutor

REJECTED_BY = "keys-share-a-lane"


class KeyedExecutor:
    def __init__(self, n):
        self.lanes, self.parked = [ThreadPoolExecutor(1) for _ in range(n)], {}

    def submit(self, key, fn):
        def guarded():
            if key in self.parked:
                raise self.parked[key]
            try:
                return fn()
            except BaseException as error:
                self.parked[key] = error
                raise

        return self.lanes[zlib.crc32(repr(key).encode()) % len(self.lanes)].submit(guarded)

    def release(self, key):
        self.parked.pop(key, None)

    def close(self):
        for lane in self.lanes:
            lane.shutdown()
