"""Charges, then notes it: a crash in between charges twice."""

REJECTED_BY = "crash-doubles"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    if (known := r.get(key)) is not None:
        return int(known)
    balance = r.incrby(account, cents)
    r.set(key, balance, ex=window_s)
    return balance
