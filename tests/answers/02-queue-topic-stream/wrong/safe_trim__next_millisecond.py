"""Behind a cursor comes the next millisecond."""

REJECTED_BY = "half-an-id"


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    groups = r.xinfo_groups(stream)
    if not groups:
        return 0
    needed = []
    for g in groups:
        needed.append((pair(g["last-delivered-id"])[0] + 1, 0))
        needed += [pair(e["message_id"]) for e in r.xpending_range(stream, g["name"], "-", "+", 1)]
    return r.xtrim(stream, minid="%d-%d" % min(needed), approximate=False)
