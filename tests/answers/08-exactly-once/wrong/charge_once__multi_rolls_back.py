"""Takes MULTI for a transaction that undoes its commands when one fails."""

import redis

REJECTED_BY = "half-a-charge"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    while True:
        with r.pipeline() as p:
            try:
                p.watch(key, account)
                if (known := p.get(key)) is not None:
                    return int(known)
                now = p.get(account) or "0"
                balance = int(now) + cents if now.lstrip("-").isdigit() else cents
                p.multi()
                p.set(key, balance, ex=window_s)
                p.incrby(account, cents)
                p.execute()
                return balance
            except redis.WatchError:
                continue
