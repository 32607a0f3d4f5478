"""Looks at pending entries only."""

REJECTED_BY = "trims-unread"


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    pending = [e["message_id"] for g in groups for e in r.xpending_range(stream, g["name"], "-", "+", 1)]
    limit = min(pending, key=pair) if pending else r.xinfo_stream(stream)["last-generated-id"]
    return r.xtrim(stream, minid=limit, approximate=False)
