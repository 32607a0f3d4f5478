"""Catches lost connections and error replies, but not a broker that does not answer."""

import json

import redis

from mqlab.kiosk import envelope

REJECTED_BY = "raises-when-silent"


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)
    push_if_room = """
    if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
    redis.call('RPUSH', KEYS[1], ARGV[2])
    return 1
    """

    try:
        accepted = r.eval(push_if_room, 1, q, max_depth, json.dumps(message))
    except (redis.ConnectionError, redis.ResponseError):
        return 503, None
    return (202, message["id"]) if accepted else (503, None)
