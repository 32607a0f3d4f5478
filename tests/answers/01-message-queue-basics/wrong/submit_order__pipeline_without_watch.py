"""Reads the depth in one transaction and pushes in the next."""

import json

import redis

from mqlab.kiosk import envelope

REJECTED_BY = "check-then-act"


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)

    try:
        with r.pipeline() as p:
            p.llen(q)
            (depth,) = p.execute()
        if depth >= max_depth:
            return 503, None
        with r.pipeline() as p:
            p.rpush(q, json.dumps(message))
            p.execute()
    except redis.RedisError:
        return 503, None
    return 202, message["id"]
