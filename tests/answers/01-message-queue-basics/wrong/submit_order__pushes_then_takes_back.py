"""Pushes first, and takes the message back when there were too many."""

import json

import redis

from mqlab.kiosk import envelope

REJECTED_BY = "overshoots-then-undoes"


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)

    raw = json.dumps(message)
    try:
        if r.rpush(q, raw) > max_depth:
            r.lrem(q, -1, raw)
            return 503, None
    except redis.RedisError:
        return 503, None
    return 202, message["id"]
