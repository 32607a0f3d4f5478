"""BLAKE2, heaps, a chain of pool jobs, WATCH with MULTI."""

import hashlib
import heapq
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import redis


def lane(key, n):
    digest = hashlib.blake2b(key.encode() if isinstance(key, str) else bytes(key), digest_size=8).digest()
    return int.from_bytes(digest, "big") * n >> 64


class Resequencer:
    """Two heaps: by number, and by the time of arrival."""

    def __init__(self, max_buffer, timeout):
        self.limit, self.timeout, self.expected = max_buffer, timeout, 1
        self.heap, self.held, self.ages = [], set(), []

    def _take(self, item_list):
        while self.heap and self.heap[0][0] == self.expected:
            _, _, box = heapq.heappop(self.heap)
            self.held.discard(self.expected)
            item_list.append(box[0])
            self.expected += 1

    def push(self, seq, item, now):
        if seq >= self.expected and seq not in self.held:
            heapq.heappush(self.heap, (seq, now, [item]))
            heapq.heappush(self.ages, (now, seq))
            self.held.add(seq)
        out, gone = [], []
        self._take(out)
        while True:
            while self.ages and self.ages[0][1] not in self.held:
                heapq.heappop(self.ages)
            if not self.heap or len(self.heap) <= self.limit and now - self.ages[0][0] < self.timeout:
                return (out, gone)
            gone.extend(range(self.expected, self.heap[0][0]))
            self.expected = self.heap[0][0]
            self._take(out)


class OffsetTracker:
    """A heap of what is finished; WATCH and MULTI; writes at every call."""

    def __init__(self, r, key):
        self.r, self.key, self.next, self.heap, self.known = r, key, int(r.get(key) or 0), [], set()

    def done(self, offset):
        if offset >= self.next and offset not in self.known:
            self.known.add(offset)
            heapq.heappush(self.heap, offset)
        while self.heap and self.heap[0] == self.next:
            self.known.discard(heapq.heappop(self.heap))
            self.next += 1
        with self.r.pipeline() as p:
            while True:
                try:
                    p.watch(self.key)
                    if int(p.get(self.key) or 0) < self.next:
                        p.multi()
                        p.set(self.key, self.next)
                        p.execute()
                    return self.next
                except redis.WatchError:
                    continue


class KeyedExecutor:
    """A pool; each key has a chain, and its next link is handed to the pool when the one before has ended."""

    def __init__(self, n):
        self.pool, self.lock, self.chains, self.parked = ThreadPoolExecutor(n), threading.RLock(), {}, {}
        self.idle = threading.Condition(self.lock)

    def submit(self, key, fn):
        future = Future()
        with self.lock:
            if key in self.parked:
                future.set_exception(self.parked[key])
                return future
            if key in self.chains:
                self.chains[key].append((fn, future))
                return future
            self.chains[key] = []
        self.pool.submit(self._run, key, fn, future)
        return future

    def _run(self, key, fn, future):
        refused, error, value = [], None, None
        try:
            value = fn()
        except BaseException as caught:
            error = caught
        with self.lock:
            chain = self.chains[key]
            if error is not None:
                self.parked[key] = error
                refused, chain[:] = [late for _, late in chain], []
            if chain:
                self.pool.submit(self._run, key, *chain.pop(0))
            else:
                del self.chains[key]
        if error is None:
            future.set_result(value)
        for late in [future, *refused] if error is not None else []:
            late.set_exception(error)
        with self.idle:
            self.idle.notify_all()

    def release(self, key):
        with self.lock:
            self.parked.pop(key, None)

    def close(self):
        with self.idle:
            self.idle.wait_for(lambda: not self.chains)
        self.pool.shutdown()


class SingleActive:
    """WATCH and MULTI throughout. The lease key holds worker and token; its lifetime is the lease."""

    def __init__(self, r, lane, worker):
        self.r, self.lane, self.worker = r, lane, worker
        self.lease, self.counter = f"{lane}:lease", f"{lane}:newest"

    def _transaction(self, attempt, *keys):
        with self.r.pipeline() as p:
            while True:
                try:
                    p.watch(*keys)
                    return attempt(p)
                except redis.WatchError:
                    continue

    def claim(self, ttl_ms):
        def attempt(p):
            owner, newest = p.get(self.lease), int(p.get(self.counter) or 0)
            if owner is not None and owner != self.worker:
                return None
            token = newest if owner == self.worker else newest + 1
            p.multi()
            p.set(self.counter, token)
            p.set(self.lease, self.worker, px=ttl_ms)
            p.execute()
            return token

        return self._transaction(attempt, self.lease, self.counter)

    def head(self, token):
        with self.r.pipeline() as p:
            newest, message = p.get(self.counter).lindex(self.lane, 0).execute()
        return message if newest == str(token) else None

    def finish(self, token, message, effect):
        def attempt(p):
            if p.get(self.counter) != str(token) or p.lindex(self.lane, 0) != message:
                return False
            p.multi()
            p.lpop(self.lane)
            p.rpush(f"{self.lane}:out", effect)
            p.execute()
            return True

        return self._transaction(attempt, self.counter, self.lane)
