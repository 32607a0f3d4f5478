"""W11: int() rounds towards zero, so windows before 0 are wrong."""

REJECTED_BY = "not-around-ts"


def windows_of(ts, size, step):
    last = int(ts / step) * step
    return [(start, start + size) for start in reversed(range(last, ts - size, -step))]
