"""Accepts everything: the queue has no bound."""

import json

import redis

from mqlab.kiosk import envelope

REJECTED_BY = "no-bound"


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)

    try:
        r.rpush(q, json.dumps(message))
    except redis.RedisError:
        return 503, None
    return 202, message["id"]
