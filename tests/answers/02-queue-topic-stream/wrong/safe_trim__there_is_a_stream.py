"""Expects the stream to exist."""

REJECTED_BY = "fails-when-missing"


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    ids = [g["last-delivered-id"] for g in groups]
    ids += [e["message_id"] for g in groups for e in r.xpending_range(stream, g["name"], "-", "+", 1)]
    limit = min(ids, key=pair)
    return r.xtrim(stream, minid=limit, approximate=False)
