"""Says that all is well when nothing has ever been projected."""

import math

REJECTED_BY = "wrong-maximum"


def staleness(r, stream: str, name: str, now_ms: int) -> tuple[float, float]:
    at = r.hget(name, "checkpoint")
    if at is None:
        return 0, 0
    ages = sorted(max(0, now_ms - int(id.split("-")[0])) for id, _ in r.xrange(stream, f"({at}"))
    return (ages[math.ceil(len(ages) * 95 / 100) - 1], ages[-1]) if ages else (0, 0)
