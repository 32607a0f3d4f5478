"""Lets the WatchError out when somebody came in between."""

REJECTED_BY = "falls-over-a-rival"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    with r.pipeline() as p:
        p.watch(key, account)
        if (known := p.get(key)) is not None:
            return int(known)
        balance = int(p.get(account) or 0) + cents
        p.multi()
        p.set(account, balance)
        p.set(key, balance, ex=window_s)
        p.execute()
        return balance
