"""Sets the cursor of a group that is there to start."""

import redis

REJECTED_BY = "moves-cursor"


def ensure_group(r, stream, group, start):
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
        return True
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
        r.xgroup_setid(stream, group, start)
        return False
