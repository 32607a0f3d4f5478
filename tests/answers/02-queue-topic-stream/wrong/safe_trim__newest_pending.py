"""Takes the largest pending id of each group for the smallest."""

REJECTED_BY = "trims-pending"


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    ids = [g["last-delivered-id"] for g in groups]
    ids += [r.xpending(stream, g["name"])["max"] for g in groups if g["pending"]]
    return r.xtrim(stream, minid=min(ids, key=pair), approximate=False)
