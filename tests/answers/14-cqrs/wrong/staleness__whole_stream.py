"""Takes the ages of all sales in the stream."""

import math

REJECTED_BY = "idle-is-stale"


def staleness(r, stream: str, name: str, now_ms: int) -> tuple[float, float]:
    ages = sorted(max(0, now_ms - int(id.split("-")[0])) for id, _ in r.xrange(stream))
    return (ages[math.ceil(len(ages) * 95 / 100) - 1], ages[-1]) if ages else (0, 0)
