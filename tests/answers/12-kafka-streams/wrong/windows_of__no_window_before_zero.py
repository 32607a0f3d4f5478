"""Time begins at 0: windows that start before it are left out."""

REJECTED_BY = "windows-missing"


def windows_of(ts, size, step):
    last = ts // step * step
    return [(start, start + size) for start in reversed(range(last, ts - size, -step)) if start >= 0 or ts < 0]
