"""Takes 5-10 for the number 5.10, which is smaller than 5.9."""

REJECTED_BY = "half-an-id"


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    ids = [g["last-delivered-id"] for g in groups]
    ids += [e["message_id"] for g in groups for e in r.xpending_range(stream, g["name"], "-", "+", 1)]
    limit = min(ids, key=lambda id: float(id.replace("-", ".")))
    return r.xtrim(stream, minid=limit, approximate=False)
