"""Guards look and push with a lock of this process; other processes do not know it."""

import json
import threading

import redis

from mqlab.kiosk import envelope

REJECTED_BY = "process-lock"
LOCK = threading.Lock()


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)

    with LOCK:
        try:
            if r.llen(q) >= max_depth:
                return 503, None
            r.rpush(q, json.dumps(message))
        except redis.RedisError:
            return 503, None
    return 202, message["id"]
