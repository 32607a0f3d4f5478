"""Trims with redis-py's default, which drops whole nodes only."""

REJECTED_BY = "trims-too-little"


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    ids = [g["last-delivered-id"] for g in groups]
    ids += [e["message_id"] for g in groups for e in r.xpending_range(stream, g["name"], "-", "+", 1)]
    limit = min(ids, key=pair)
    return r.xtrim(stream, minid=limit)
