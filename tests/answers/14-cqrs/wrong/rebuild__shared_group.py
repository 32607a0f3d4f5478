"""Two projections in one consumer group: reads through a group that outlives the rebuild."""

from contextlib import suppress

import redis

REJECTED_BY = "shared-group"

SWAP = """
local at = redis.call('HGET', KEYS[1], 'checkpoint')
if not at or #redis.call('XRANGE', KEYS[3], '(' .. at, '+', 'COUNT', 1) > 0 then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
return 1
"""


def rebuild(r, stream: str, name: str) -> None:
    shadow, position = f"{name}:next", "0"
    with suppress(redis.ResponseError):  # it is there already
        r.xgroup_create(stream, "projections", id="0")
    while True:
        [(_, sales)] = r.xreadgroup("projections", "rebuild", {stream: position}, count=100) or [(stream, [])]
        if sales:
            with r.pipeline() as p:
                for id, sale in sales:
                    p.hincrby(shadow, sale["customer"], sale["total"])
                    p.xack(stream, "projections", id)
                p.hset(shadow, "checkpoint", sales[-1][0])
                p.execute()
        elif position == "0":  # what its predecessor took and did not finish is done
            position = ">"
        elif not r.exists(shadow) or r.eval(SWAP, 3, shadow, name, stream):
            return
