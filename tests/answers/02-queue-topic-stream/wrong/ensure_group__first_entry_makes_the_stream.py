"""Makes the stream by adding an entry and deleting it."""

import redis

REJECTED_BY = "leaves-an-entry"


def ensure_group(r, stream, group, start):
    if not r.exists(stream):
        r.xdel(stream, r.xadd(stream, {"hello": "world"}))
    try:
        r.xgroup_create(stream, group, id=start)
        return True
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
        return False
