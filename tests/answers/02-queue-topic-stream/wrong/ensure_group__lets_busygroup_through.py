"""Calls XGROUP CREATE and leaves BUSYGROUP to the caller."""

REJECTED_BY = "raises-when-there"


def ensure_group(r, stream, group, start):
    return r.xgroup_create(stream, group, id=start, mkstream=True)
