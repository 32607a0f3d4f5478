"""Takes MULTI for a transaction that looks again."""

REJECTED_BY = "look-then-charge"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    if (known := r.get(key)) is not None:
        return int(known)
    balance = int(r.get(account) or 0) + cents
    with r.pipeline(transaction=True) as both:
        both.set(account, balance)
        both.set(key, balance, ex=window_s)
        both.execute()
    return balance
