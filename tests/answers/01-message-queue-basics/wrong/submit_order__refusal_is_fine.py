"""Answers 503 when the broker is away, but 202 when it refuses the write."""

import json

import redis

from mqlab.kiosk import envelope

REJECTED_BY = "promise-before-store"


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)
    push_if_room = """
    if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
    redis.call('RPUSH', KEYS[1], ARGV[2])
    return 1
    """

    try:
        if not r.eval(push_if_room, 1, q, max_depth, json.dumps(message)):
            return 503, None
    except (redis.ConnectionError, redis.TimeoutError):
        return 503, None
    except redis.ResponseError:
        pass
    return 202, message["id"]
