"""The windows are right, but the latest comes first."""

REJECTED_BY = "latest-first"


def windows_of(ts, size, step):
    last = ts // step * step
    return [(start, start + size) for start in range(last, ts - size, -step)]
