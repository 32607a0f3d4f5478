"""Takes a broker that does not answer in time for one that has done it."""

import redis

REJECTED_BY = "hides-errors"


def ensure_group(r, stream, group, start):
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
    except redis.TimeoutError:
        return True
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
        return False
    return True
