"""Finds the smallest id by its first part: the first of those with the same."""

REJECTED_BY = "half-an-id"


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    ids = [g["last-delivered-id"] for g in groups]
    ids += [e["message_id"] for g in groups for e in r.xpending_range(stream, g["name"], "-", "+", 1)]
    return r.xtrim(stream, minid=min(ids, key=lambda id: int(id.split("-")[0])), approximate=False)
