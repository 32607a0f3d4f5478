"""Makes the stream, and thinks that the first XREADGROUP makes the group."""

REJECTED_BY = "no-group"


def ensure_group(r, stream, group, start):
    made = not r.exists(stream)
    if made:
        r.xgroup_create(stream, "tmp", id=start, mkstream=True)
        r.xgroup_destroy(stream, "tmp")
    return made
