"""Says False when the connection is lost."""

import redis

REJECTED_BY = "hides-errors"


def ensure_group(r, stream, group, start):
    try:
        r.xgroup_create(stream, group, id=start, mkstream=True)
    except redis.ConnectionError:
        return False
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
        return False
    return True
