"""Interpolates between two ages."""

REJECTED_BY = "wrong-percentile"


def staleness(r, stream: str, name: str, now_ms: int) -> tuple[float, float]:
    at = r.hget(name, "checkpoint") or "0-0"
    ages = sorted(max(0, now_ms - int(id.split("-")[0])) for id, _ in r.xrange(stream, f"({at}"))
    if not ages:
        return 0, 0
    place = 0.95 * (len(ages) - 1)
    low = int(place)
    high = min(low + 1, len(ages) - 1)
    return ages[low] + (place - low) * (ages[high] - ages[low]), ages[-1]
