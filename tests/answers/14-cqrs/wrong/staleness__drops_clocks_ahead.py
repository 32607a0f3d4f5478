"""Leaves out the sales of a clock that is ahead, in place of giving them the age 0."""

import math

REJECTED_BY = "wrong-percentile"


def staleness(r, stream: str, name: str, now_ms: int) -> tuple[float, float]:
    at = r.hget(name, "checkpoint") or "0-0"
    ages = sorted(now_ms - int(id.split("-")[0]) for id, _ in r.xrange(stream, f"({at}"))
    ages = [age for age in ages if age >= 0]
    return (ages[math.ceil(len(ages) * 95 / 100) - 1], ages[-1]) if ages else (0, 0)
