"""With step > size it returns a window that has ended before ts."""

REJECTED_BY = "end-inside"


def windows_of(ts, size, step):
    last = ts // step * step
    return [(start, start + size) for start in reversed(range(last, ts - size, -step))] or [(last, last + size)]
