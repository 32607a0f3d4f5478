"""Looks first, and when it saw no group makes room before it creates one."""

REJECTED_BY = "both-created"


def ensure_group(r, stream, group, start):
    if r.exists(stream) and group in [g["name"] for g in r.xinfo_groups(stream)]:
        return False
    if r.exists(stream):
        r.xgroup_destroy(stream, group)
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
    except Exception as error:
        if "BUSYGROUP" not in str(error):
            raise
        r.xgroup_destroy(stream, group)
        r.xgroup_create(stream, group, id=start)
    return True
