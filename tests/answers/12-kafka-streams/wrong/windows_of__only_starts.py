"""Returns the starts only."""

REJECTED_BY = "no-pairs"


def windows_of(ts, size, step):
    return [start for start in range(ts // step * step, ts - size, -step)]
