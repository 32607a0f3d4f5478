"""x / y and floor, in floats: wrong for nanoseconds."""

import math

REJECTED_BY = "divides-as-floats"


def windows_of(ts, size, step):
    first = math.floor((ts - size) / step) + 1
    return [(k * step, k * step + size) for k in range(first, math.floor(ts / step) + 1)]
