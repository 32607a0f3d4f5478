"""Expects the stream to be there."""

import redis

REJECTED_BY = "no-stream"


def ensure_group(r, stream, group, start):
    try:
        r.xgroup_create(stream, group, id=start)
        return True
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
        return False
