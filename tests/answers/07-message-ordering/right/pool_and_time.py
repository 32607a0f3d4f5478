"""A digest, a sorted list, a ThreadPoolExecutor with a deque per key, and TIME of the broker."""

import bisect
import hashlib
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor


def lane(key, n):
    data = key.encode() if isinstance(key, str) else key
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big") * n >> 64


class Resequencer:
    def __init__(self, max_buffer, timeout):
        self.max_buffer, self.timeout = max_buffer, timeout
        self.next, self.waiting = 1, []  # (seq, came, item), sorted

    def push(self, seq, item, now):
        if seq >= self.next and all(each[0] != seq for each in self.waiting):
            bisect.insort(self.waiting, (seq, now, item), key=lambda each: each[0])
        out, skipped = [], []
        while self.waiting and (self.waiting[0][0] == self.next or self.must_give_up(now)):
            first, _, oldest = self.waiting.pop(0)
            skipped += range(self.next, first)
            out.append(oldest)
            self.next = first + 1
        return out, skipped

    def must_give_up(self, now):
        return len(self.waiting) > self.max_buffer or any(now >= came + self.timeout for _, came, _ in self.waiting)


class KeyedExecutor:
    def __init__(self, n):
        self.pool, self.lock, self.idle = ThreadPoolExecutor(n), threading.Lock(), threading.Event()
        self.waiting, self.parked = {}, {}
        self.idle.set()

    def submit(self, key, fn):
        future = Future()
        with self.lock:
            error = self.parked.get(key)
            if error is None:
                self.idle.clear()
                if key not in self.waiting:
                    self.waiting[key] = deque()
                    self.pool.submit(self.run, key)
                self.waiting[key].append((fn, future))
        if error is not None:
            future.set_exception(error)
        return future

    def run(self, key):
        with self.lock:
            fn, future = self.waiting[key].popleft()
        error = result = None
        try:
            result = fn()
        except BaseException as raised:
            error = raised
        refused = []
        with self.lock:
            if error is not None:
                self.parked[key] = error
                refused = [each for _, each in self.waiting.pop(key)]
            elif self.waiting[key]:
                self.pool.submit(self.run, key)
            else:
                del self.waiting[key]
        for each in [future, *refused]:
            each.set_result(result) if error is None else each.set_exception(error)
        with self.lock:
            if not self.waiting:
                self.idle.set()

    def release(self, key):
        with self.lock:
            self.parked.pop(key, None)

    def close(self):
        self.idle.wait()
        self.pool.shutdown(wait=True)


CLAIM = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local owner, ends, token = unpack(redis.call('HMGET', KEYS[1], 'owner', 'ends', 'token'))
if owner and owner ~= ARGV[1] and tonumber(ends) > now then return false end
if owner ~= ARGV[1] then token = redis.call('HINCRBY', KEYS[1], 'token', 1) end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'ends', string.format('%d', now + ARGV[2]))
return tonumber(token)
"""


class SingleActive:
    """The last owner keeps its token when it comes back and nobody was active in between."""

    def __init__(self, r, lane, worker):
        self.r, self.lane, self.worker = r, lane, worker
        self.owner = f"{lane}:owner"

    def claim(self, ttl_ms):
        return self.r.eval(CLAIM, 1, self.owner, self.worker, ttl_ms)

    def head(self, token):
        with self.r.pipeline() as p:
            newest, message = p.hget(self.owner, "token").lindex(self.lane, 0).execute()
        return message if newest == str(token) else None

    def finish(self, token, message, effect):
        def transaction(p):
            fine = p.hget(self.owner, "token") == str(token) and p.lindex(self.lane, 0) == message
            p.multi()
            if fine:
                p.lpop(self.lane)
                p.rpush(f"{self.lane}:out", effect)
            return fine

        return self.r.transaction(transaction, self.lane, self.owner, value_from_callable=True)
