"""The plain way: one script for each change."""

import random
import uuid
from urllib.error import HTTPError


def delay(attempt, *, base, cap, kind, rng, prev=None):
    if kind == "decorrelated":
        return min(cap, rng.uniform(base, 3 * (base if prev is None else prev)))
    e = min(cap, base * 2 ** min(attempt, 1000))
    if kind == "equal":
        return rng.uniform(e / 2, e)
    if kind == "full":
        return rng.uniform(0, e)
    return e


def again(error, idempotent):
    if isinstance(error, HTTPError):
        return error.code in (429, 503) or idempotent and error.code in (408, 500, 502, 504)
    if isinstance(error, ConnectionRefusedError):
        return True
    return idempotent and isinstance(error, (ConnectionError, TimeoutError))


def retry_call(fn, *, attempts, delay, deadline, idempotent, clock, sleep):
    for n in range(attempts):
        try:
            return fn()
        except Exception as error:
            if n == attempts - 1 or not again(error, idempotent):
                raise
            wait = delay(n)
            if isinstance(error, HTTPError):
                wait = max(wait, float(error.headers.get("Retry-After") or 0))
            if clock() + wait >= deadline:
                raise
        sleep(wait)


class RetryBudget:
    def __init__(self, r, key, ratio, reserve):
        self.r, self.key, self.ratio, self.reserve = r, key, ratio, reserve

    def request(self):
        put = """
        local tokens = tonumber(redis.call('GET', KEYS[1]) or ARGV[2])
        redis.call('SET', KEYS[1], tostring(math.min(tonumber(ARGV[2]), tokens + tonumber(ARGV[1]))))
        """
        self.r.eval(put, 1, self.key, self.ratio, self.reserve)

    def may_retry(self):
        take = """
        local tokens = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
        if tokens < 1 then return 0 end
        redis.call('SET', KEYS[1], tostring(tokens - 1))
        return 1
        """
        return bool(self.r.eval(take, 1, self.key, self.reserve))


class DelayedRetry:
    def __init__(self, r, q):
        self.r, self.q = r, q

    def schedule(self, message, delay_s):
        seconds, micros = self.r.time()
        due = seconds + micros / 1e6 + delay_s
        self.r.zadd(f"{self.q}:retry", {uuid.uuid4().hex + message: due})

    def promote_due(self, limit):
        move = """
        local t = redis.call('TIME')
        local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', t[1] + t[2] / 1e6, 'LIMIT', 0, ARGV[1])
        for _, member in ipairs(due) do
            redis.call('ZREM', KEYS[1], member)
            redis.call('RPUSH', KEYS[2], string.sub(member, 33))
        end
        return #due
        """
        return self.r.eval(move, 2, f"{self.q}:retry", self.q, limit)
