"""Uses WATCH, and after three tries turns the customer away although there is room."""

import json

import redis

from mqlab.kiosk import envelope

REJECTED_BY = "refuses-though-room"


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)

    for _ in range(3):
        try:
            with r.pipeline() as p:
                p.watch(q)
                if p.llen(q) >= max_depth:
                    return 503, None
                p.multi()
                p.rpush(q, json.dumps(message))
                p.execute()
                return 202, message["id"]
        except redis.WatchError:
            continue
        except redis.RedisError:
            return 503, None
    return 503, None
