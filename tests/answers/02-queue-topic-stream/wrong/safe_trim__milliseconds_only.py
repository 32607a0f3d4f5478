"""Compares, and trims to, the first part of the id."""

REJECTED_BY = "half-an-id"


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    ids = [g["last-delivered-id"] for g in groups]
    ids += [e["message_id"] for g in groups for e in r.xpending_range(stream, g["name"], "-", "+", 1)]
    return r.xtrim(stream, minid=min(int(id.split("-")[0]) for id in ids), approximate=False)
