"""Takes the minimum of no groups."""

REJECTED_BY = "fails-without-groups"


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    groups = r.xinfo_groups(stream) if r.exists(stream) else []
    ids = [g["last-delivered-id"] for g in groups]
    ids += [e["message_id"] for g in groups for e in r.xpending_range(stream, g["name"], "-", "+", 1)]
    limit = min(ids, key=pair)
    return r.xtrim(stream, minid=limit, approximate=False)
