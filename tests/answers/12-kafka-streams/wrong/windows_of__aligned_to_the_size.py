"""Windows start at multiples of the size, not of the step."""

REJECTED_BY = "not-aligned"


def windows_of(ts, size, step):
    first = ts // size * size
    return [(first, first + size)]
