"""Creates the group at $, whatever the caller asked for (W3)."""

import redis

REJECTED_BY = "ignores-start"


def ensure_group(r, stream, group, start):
    try:
        r.xgroup_create(stream, group, id="$", mkstream=True)
        return True
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
        return False
