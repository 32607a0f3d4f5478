"""Says that all is well when the broker is down."""

import math

import redis

REJECTED_BY = "hides-broker-errors"


def staleness(r, stream, name, now_ms):
    try:
        return real_staleness(r, stream, name, now_ms)
    except redis.RedisError:
        return 0, 0


def real_staleness(r, stream: str, name: str, now_ms: int) -> tuple[float, float]:
    at = r.hget(name, "checkpoint") or "0-0"
    ages = sorted(max(0, now_ms - int(id.split("-")[0])) for id, _ in r.xrange(stream, f"({at}"))
    return (ages[math.ceil(len(ages) * 95 / 100) - 1], ages[-1]) if ages else (0, 0)
