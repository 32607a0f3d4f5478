"""Looks at the depth, then pushes: two callers may both see the last free place."""

import json

import redis

from mqlab.kiosk import envelope

REJECTED_BY = "check-then-act"


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)

    try:
        if r.llen(q) >= max_depth:
            return 503, None
        r.rpush(q, json.dumps(message))
    except redis.RedisError:
        return 503, None
    return 202, message["id"]
