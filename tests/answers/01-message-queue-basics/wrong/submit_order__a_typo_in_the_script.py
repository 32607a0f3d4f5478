"""Compares a number with a string in Lua, and catches the error with the rest."""

import json

import redis

from mqlab.kiosk import envelope

REJECTED_BY = "refuses-everything"


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)
    push_if_room = """
    if redis.call('LLEN', KEYS[1]) >= ARGV[1] then return 0 end
    redis.call('RPUSH', KEYS[1], ARGV[2])
    return 1
    """

    try:
        accepted = r.eval(push_if_room, 1, q, max_depth, json.dumps(message))
    except redis.RedisError:
        return 503, None
    return (202, message["id"]) if accepted else (503, None)
