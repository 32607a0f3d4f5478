"""Looks at one group (W7: the others have not handled it)."""

REJECTED_BY = "trims-pending"


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    group = groups[0]
    ids = [group["last-delivered-id"]]
    ids += [e["message_id"] for e in r.xpending_range(stream, group["name"], "-", "+", 1)]
    return r.xtrim(stream, minid=min(ids, key=pair), approximate=False)
