"""Only the window that started last; hopping windows overlap."""

REJECTED_BY = "windows-missing"


def windows_of(ts, size, step):
    last = ts // step * step
    return [(last, last + size)] if ts < last + size else []
