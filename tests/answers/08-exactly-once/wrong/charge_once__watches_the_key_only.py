"""Watches its key, and not the account that it computes with."""

import redis

REJECTED_BY = "loses-a-rivals-charge"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    while True:
        with r.pipeline() as p:
            try:
                p.watch(key)
                if (known := p.get(key)) is not None:
                    return int(known)
                balance = int(p.get(account) or 0) + cents
                p.multi()
                p.set(account, balance)
                p.set(key, balance, ex=window_s)
                p.execute()
                return balance
            except redis.WatchError:
                continue
