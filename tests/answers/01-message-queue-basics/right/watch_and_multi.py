"""Optimistic locking with WATCH and MULTI, and plain arithmetic."""

import json
import math

import redis

from mqlab.kiosk import envelope


def plan_capacity(base, spike, spike_s, mu):
    growth, shrinkage = spike - mu, mu - base
    if growth <= 0:
        return 0, 0
    if shrinkage <= 0:
        return growth * spike_s, math.inf
    return growth * spike_s, spike_s * growth / shrinkage


def submit_order(r, q, order, *, max_depth):
    message = envelope("PlaceOrder", key=order["order_id"], body=order)
    while True:
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


class StatusBoard:
    RANK = {"queued": 1, "running": 2, "done": 3, "failed": 3}

    def __init__(self, r, prefix, ttl_s):
        self.r, self.prefix, self.ttl_s = r, prefix, ttl_s

    def set(self, job, state):
        key = self.prefix + job
        while True:
            try:
                with self.r.pipeline() as p:
                    p.watch(key)
                    now = p.hget(key, "state")
                    if now and self.RANK[now] >= self.RANK[state]:
                        return False
                    p.multi()
                    p.hset(key, "state", state)
                    p.expire(key, self.ttl_s)
                    p.execute()
                    return True
            except redis.WatchError:
                continue

    def get(self, job):
        state = self.r.hget(self.prefix + job, "state")
        return (200, state) if state else (404, "unknown or expired")
