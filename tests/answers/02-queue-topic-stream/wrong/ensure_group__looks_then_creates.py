"""Looks whether the group is there, then creates it: two workers may both look first."""

REJECTED_BY = "check-then-create"


def ensure_group(r, stream, group, start):
    if r.exists(stream) and group in [g["name"] for g in r.xinfo_groups(stream)]:
        return False
    r.xgroup_create(stream, group, id=start, mkstream=True)
    return True
