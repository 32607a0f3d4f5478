"""Looks at cursors only: what was delivered is done."""

REJECTED_BY = "trims-pending"


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    limit = min((g["last-delivered-id"] for g in groups), key=pair)
    return r.xtrim(stream, minid=limit, approximate=False)
