"""Looks at the pending entries first, and at the cursor later, when the worker has moved on."""

REJECTED_BY = "torn-look"


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    names = [g["name"] for g in r.xinfo_groups(stream)]
    ids = [e["message_id"] for name in names for e in r.xpending_range(stream, name, "-", "+", 1)]
    ids += [g["last-delivered-id"] for g in r.xinfo_groups(stream)]
    return r.xtrim(stream, minid=min(ids, key=pair), approximate=False) if names else 0
