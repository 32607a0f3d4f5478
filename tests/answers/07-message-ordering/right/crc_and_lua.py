"""CRC32, a dict, a set, one Condition, Lua scripts."""

import threading
import zlib
from collections import deque
from concurrent.futures import Future


def lane(key, n):
    data = key.encode() if isinstance(key, str) else key
    return zlib.crc32(data) % n


class Resequencer:
    def __init__(self, max_buffer, timeout):
        self.max_buffer, self.timeout = max_buffer, timeout
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
            self.r.eval(self.RAISE, 1, self.key, self.watermark)
            self.written = self.watermark
        return self.watermark


class KeyedExecutor:
    def __init__(self, n):
        self.change = threading.Condition()
        self.waiting, self.ready, self.parked, self.closed = {}, deque(), {}, False
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(n)]
        for thread in self.threads:
            thread.start()

    def submit(self, key, fn):
        future = Future()
        with self.change:
            if key in self.parked:
                future.set_exception(self.parked[key])
            elif key in self.waiting:
                self.waiting[key].append((fn, future))
            else:
                self.waiting[key] = deque([(fn, future)])
                self.ready.append(key)
                self.change.notify()
        return future

    def release(self, key):
        with self.change:
            self.parked.pop(key, None)

    def close(self):
        with self.change:
            self.closed = True
            self.change.notify_all()
        for thread in self.threads:
            thread.join()

    def work(self):
        while True:
            with self.change:
                self.change.wait_for(lambda: self.ready or self.closed and not self.waiting)
                if not self.ready:
                    return
                key = self.ready.popleft()
                fn, future = self.waiting[key].popleft()
            try:
                result, error = fn(), None
            except BaseException as raised:
                result, error = None, raised
            refused = []
            with self.change:
                if error is not None:
                    self.parked[key] = error
                    refused = [late for _, late in self.waiting[key]]
                    self.waiting[key].clear()
                if self.waiting[key]:
                    self.ready.append(key)
                else:
                    del self.waiting[key]
                self.change.notify_all()
            if error is None:
                future.set_result(result)
            else:
                for late in [future, *refused]:
                    late.set_exception(error)


CLAIM = """
local mine = redis.call('GET', KEYS[1] .. ':active')
if mine and mine ~= ARGV[1] then return false end
if not mine then redis.call('INCR', KEYS[1] .. ':token') end
redis.call('SET', KEYS[1] .. ':active', ARGV[1], 'PX', ARGV[2])
return tonumber(redis.call('GET', KEYS[1] .. ':token'))
"""
HEAD = """
if redis.call('GET', KEYS[1] .. ':token') ~= ARGV[1] then return false end
return redis.call('LINDEX', KEYS[1], 0)
"""
FINISH = """
if redis.call('GET', KEYS[1] .. ':token') ~= ARGV[1] then return 0 end
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[2] then return 0 end
redis.call('LPOP', KEYS[1])
redis.call('RPUSH', KEYS[1] .. ':out', ARGV[3])
return 1
"""


class SingleActive:
    def __init__(self, r, lane, worker):
        self.r, self.lane, self.worker = r, lane, worker

    def claim(self, ttl_ms):
        return self.r.eval(CLAIM, 1, self.lane, self.worker, ttl_ms)

    def head(self, token):
        return self.r.eval(HEAD, 1, self.lane, token)

    def finish(self, token, message, effect):
        return self.r.eval(FINISH, 1, self.lane, token, message, effect) == 1
