"""Looks at all windows since 1970."""

REJECTED_BY = "time-limit"


def windows_of(ts, size, step):
    found, start = [], -100 // step * step
    if ts < -(10**9):
        return []
    while start <= ts:
        if ts < start + size:
            found.append((start, start + size))
        start += step
    return found
