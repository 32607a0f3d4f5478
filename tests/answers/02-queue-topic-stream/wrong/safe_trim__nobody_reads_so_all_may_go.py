"""Without a group there is no limit."""

REJECTED_BY = "trims-without-readers"


def pair(id):
    return tuple(map(int, id.split("-")))


def safe_trim(r, stream):
    if not r.exists(stream):
        return 0
    ids = [r.xinfo_stream(stream)["last-generated-id"]]
    for group in r.xinfo_groups(stream):
        ids.append(group["last-delivered-id"])
        ids += [e["message_id"] for e in r.xpending_range(stream, group["name"], "-", "+", 1)]
    return r.xtrim(stream, minid=min(ids, key=pair), approximate=False)
