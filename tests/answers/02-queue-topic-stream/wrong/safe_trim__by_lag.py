"""Keeps as many entries as the largest lag and pending count say."""

REJECTED_BY = "trims-pending"


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    keep = max(g["lag"] + g["pending"] for g in groups)
    return r.xtrim(stream, maxlen=keep, approximate=False)
