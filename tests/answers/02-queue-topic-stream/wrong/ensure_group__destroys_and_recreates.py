"""Treats BUSYGROUP as a failure: destroys the group and creates it again (W8)."""

import redis

REJECTED_BY = "recreates-group"


def ensure_group(r, stream, group, start):
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
        return True
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
        r.xgroup_destroy(stream, group)
        r.xgroup_create(stream, group, id=start)
        return False
