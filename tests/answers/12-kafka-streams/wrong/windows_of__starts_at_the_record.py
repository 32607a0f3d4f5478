"""Windows start at the record, so each record has its own."""

REJECTED_BY = "not-aligned"


def windows_of(ts, size, step):
    return [(ts, ts + size)]
