"""WATCH and MULTI instead of scripts, a while loop instead of a for loop, lists and 1 where types do not matter."""

import itertools
import json
import math
from urllib.error import HTTPError

import redis


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        previous = prev or base
        return min(base + rng.random() * (3 * previous - base), cap)
    doublings = math.log2(cap / base)
    e = cap if attempt >= doublings else math.ldexp(base, attempt)
    fixed = {"exponential": 1.0, "equal": 0.5, "full": 0.0}[kind]
    return e * (fixed + (1 - fixed) * rng.random()) if fixed < 1 else e


UNDONE, UNKNOWN = {429, 503}, {408, 500, 502, 504}


def retry_call(fn, *, attempts, delay, deadline, idempotent, clock, sleep):
    made = 0
    while True:
        wait = 0.0
        try:
            made += 1
            return fn()
        except HTTPError as error:
            if error.code not in UNDONE and not (idempotent and error.code in UNKNOWN):
                raise
            last, wait = error, float(error.headers["Retry-After"] or 0)
        except ConnectionRefusedError as error:
            last = error
        except (ConnectionError, TimeoutError) as error:
            if not idempotent:
                raise
            last = error
        if made >= attempts:
            raise last
        wait = max(wait, delay(made - 1))
        if clock() >= deadline - wait:
            raise last
        sleep(wait)


class RetryBudget:
    def __init__(self, r, key, ratio, reserve):
        self.r, self.key, self.ratio, self.reserve = r, key, ratio, reserve

    def request(self):
        self._change(lambda tokens: min(self.reserve, tokens + self.ratio))

    def may_retry(self):
        return self._change(lambda tokens: tokens - 1 if tokens >= 1 else None)

    def _change(self, new):
        while True:
            with self.r.pipeline() as p:
                p.watch(self.key)
                old = p.get(self.key)
                tokens = new(self.reserve if old is None else float(old))
                if tokens is None:
                    return 0
                p.multi()
                p.set(self.key, repr(tokens))
                try:
                    p.execute()
                    return 1
                except redis.WatchError:
                    continue


class DelayedRetry:
    def __init__(self, r, q):
        self.r, self.q, self.waiting = r, q, f"{q}:retry"

    def _now(self):
        seconds, micros = self.r.time()
        return seconds + micros / 1e6

    def schedule(self, message, delay_s):
        number = self.r.incr(f"{self.q}:retry:numbers")
        self.r.zadd(self.waiting, {json.dumps([number, message]): self._now() + delay_s})

    def promote_due(self, limit):
        for _ in itertools.count():
            now = self._now()
            with self.r.pipeline() as p:
                p.watch(self.waiting)
                due = p.zrange(self.waiting, "-inf", now, byscore=True, offset=0, num=limit)
                if not due:
                    return 0
                p.multi()
                p.zrem(self.waiting, *due)
                p.rpush(self.q, *(json.loads(member)[1] for member in due))
                try:
                    p.execute()
                    return len(due)
                except redis.WatchError:
                    continue
