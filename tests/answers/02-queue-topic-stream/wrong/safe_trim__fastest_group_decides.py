"""Takes the cursor of the group that is furthest."""

REJECTED_BY = "trims-unread"


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    limit = max((g["last-delivered-id"] for g in groups), key=pair)
    return r.xtrim(stream, minid=limit, approximate=False)
