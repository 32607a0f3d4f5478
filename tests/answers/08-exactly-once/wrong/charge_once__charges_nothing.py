"""Returns the new balance without writing it."""

REJECTED_BY = "does-not-charge"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    balance = int(r.get(account) or 0) + cents
    r.set(key, balance, ex=window_s)
    return balance
