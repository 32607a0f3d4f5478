"""The budget in millionths, as an integer; a claim by ZREM inside a script; Retry-After and then its own wait."""

import uuid
from urllib.error import HTTPError


def delay(attempt, *, base, cap, kind, rng, prev=None):
    e = base
    for _ in range(min(attempt, 200)):
        e = min(cap, 2 * e)
    match kind:
        case "exponential":
            return min(cap, e)
        case "equal":
            return e / 2 + rng.uniform(0, e / 2)
        case "full":
            return rng.triangular(0, e) if e == 0 else rng.uniform(0, e)
        case "decorrelated":
            return min(cap, rng.uniform(base, 3 * (prev if prev is not None else base)))


def retry_call(fn, *, attempts, delay, deadline, idempotent, clock, sleep):
    undone, unknown = (ConnectionRefusedError,), (ConnectionError, TimeoutError)
    for n in range(attempts):
        asked = 0.0
        try:
            return fn()
        except HTTPError as error:
            last, again = error, error.code in (429, 503) or error.code in (408, 500, 502, 504) and idempotent
            asked = float(error.headers.get("Retry-After", 0))
        except undone as error:
            last, again = error, True
        except unknown as error:
            last, again = error, idempotent
        if not again or n == attempts - 1:
            break
        wait = asked + delay(n)
        if clock() + wait >= deadline:
            break
        sleep(wait)
    raise last


class RetryBudget:
    UNIT = 1_000_000

    def __init__(self, r, key, ratio, reserve):
        self.r, self.key = r, key
        self.add = r.register_script("""
            local most = tonumber(ARGV[2])
            local have = tonumber(redis.call('GET', KEYS[1]) or most)
            redis.call('SET', KEYS[1], string.format('%.0f', math.min(most, have + ARGV[1])))""")
        self.take = r.register_script("""
            local have = tonumber(redis.call('GET', KEYS[1]) or ARGV[2])
            if have < tonumber(ARGV[1]) then return 0 end
            redis.call('SET', KEYS[1], string.format('%.0f', have - ARGV[1]))
            return 1""")
        self.ratio, self.reserve = round(ratio * self.UNIT), round(reserve * self.UNIT)

    def request(self):
        self.add(keys=[self.key], args=[self.ratio, self.reserve])

    def may_retry(self):
        return self.take(keys=[self.key], args=[self.UNIT, self.reserve]) == 1


class DelayedRetry:
    CLAIM = """
    local t = redis.call('TIME')
    local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
    if not first[1] or tonumber(first[2]) > t[1] * 1000 + t[2] / 1000 then return 0 end
    redis.call('ZREM', KEYS[1], first[1])
    redis.call('RPUSH', KEYS[2], string.sub(first[1], 38))
    return 1
    """
    NOTE = """
    local t = redis.call('TIME')
    redis.call('ZADD', KEYS[1], t[1] * 1000 + t[2] / 1000 + ARGV[1] * 1000, ARGV[2])
    """

    def __init__(self, r, q):
        self.r, self.q = r, q

    def schedule(self, message, delay_s):
        self.r.eval(self.NOTE, 1, f"{self.q}:retry", delay_s, f"{uuid.uuid4()}:{message}")

    def promote_due(self, limit):
        moved = 0
        while moved < limit and self.r.eval(self.CLAIM, 2, f"{self.q}:retry", self.q):
            moved += 1
        return moved
