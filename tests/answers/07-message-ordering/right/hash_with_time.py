"""A random generator as hash, Lua that returns the commit, a hash with the end of the lease."""

import random
import threading
from collections import deque
from concurrent.futures import Future


def lane(key, n):
    """random.Random of a text is seeded by its SHA-512: the same everywhere."""
    return random.Random(key if isinstance(key, bytes) else key.encode()).randrange(n)


class OffsetTracker:
    """Returns what it knows; the write is repeated as long as it is not confirmed."""

    COMMIT = """
    local now = tonumber(redis.call('GET', KEYS[1]) or 0)
    local new = math.max(now, tonumber(ARGV[1]))
    redis.call('SET', KEYS[1], string.format('%d', new))
    return new
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
            self.r.eval(self.COMMIT, 1, self.key, self.watermark)
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
                    self.ready.appendleft(key)  # the same thread may go on with its key
                else:
                    del self.waiting[key]
                self.change.notify_all()
            if error is None:
                future.set_result(result)
            else:
                for late in [future, *refused]:
                    late.set_exception(error)


class SingleActive:
    """A hash with owner, token and end by the broker's TIME; a Lua script for each call."""

    NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"

    def __init__(self, r, lane, worker):
        self.r, self.lane, self.worker = r, lane, worker
        self.state = f"{lane}:state"

    def claim(self, ttl_ms):
        script = (
            self.NOW
            + """
        local owner, ends = unpack(redis.call('HMGET', KEYS[1], 'owner', 'ends'))
        local runs = ends and tonumber(ends) > now
        if runs and owner ~= ARGV[1] then return nil end
        if not runs then redis.call('HINCRBY', KEYS[1], 'token', 1) end
        redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'ends', now + ARGV[2])
        return tonumber(redis.call('HGET', KEYS[1], 'token'))
        """
        )
        return self.r.eval(script, 1, self.state, self.worker, ttl_ms)

    def head(self, token):
        message = self.r.lindex(self.lane, 0)
        newest = self.r.hget(self.state, "token")
        return message if newest == str(token) else None

    def finish(self, token, message, effect):
        script = """
        if redis.call('HGET', KEYS[2], 'token') ~= ARGV[1] then return 0 end
        if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[2] then return 0 end
        redis.call('LPOP', KEYS[1])
        return redis.call('RPUSH', KEYS[3], ARGV[3]) and 1
        """
        out = f"{self.lane}:out"
        return bool(self.r.eval(script, 3, self.lane, self.state, out, token, message, effect))
