"""Answers 202 and lets a background thread do the push."""

import json
import threading

import redis

from mqlab.kiosk import envelope

REJECTED_BY = "promise-before-store"


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)

    def push():
        try:
            r.rpush(q, json.dumps(message))
        except redis.RedisError:
            pass

    try:
        if r.llen(q) >= max_depth:
            return 503, None
    except redis.RedisError:
        pass
    threading.Thread(target=push).start()
    return 202, message["id"]
