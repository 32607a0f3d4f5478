"""W2: the end of a window counts as inside."""

REJECTED_BY = "end-inside"


def windows_of(ts, size, step):
    last = ts // step * step
    return [(start, start + size) for start in reversed(range(last, ts - size - 1, -step))]
