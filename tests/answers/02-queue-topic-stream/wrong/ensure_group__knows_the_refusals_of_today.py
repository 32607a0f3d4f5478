"""Lets those refusals through that its author has seen: a full memory is none of them."""

import redis

REJECTED_BY = "hides-errors"


def ensure_group(r, stream, group, start):
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
    except redis.ResponseError as error:
        if "WRONGTYPE" in str(error) or "Invalid stream ID" in str(error):
            raise
        return False
    return True
