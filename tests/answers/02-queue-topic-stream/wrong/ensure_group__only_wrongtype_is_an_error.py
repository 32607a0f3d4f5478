"""Lets one refusal through, WRONGTYPE, and takes all others for BUSYGROUP."""

import redis

REJECTED_BY = "hides-errors"


def ensure_group(r, stream, group, start):
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
    except redis.ResponseError as error:
        if "WRONGTYPE" in str(error):
            raise
        return False
    return True
