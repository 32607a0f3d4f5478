"""Guards the bound with an in-memory count of this process; every other process has its own."""

import json

import redis

from mqlab.kiosk import envelope

REJECTED_BY = "counts-what-is-gone"
COUNTS = {}


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)
    if COUNTS.get(q, 0) >= max_depth:
        return 503, None
    COUNTS[q] = COUNTS.get(q, 0) + 1
    try:
        r.rpush(q, json.dumps(message))
    except redis.RedisError:
        return 503, None
    return 202, message["id"]
