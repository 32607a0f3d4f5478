"""Sets the marker, then charges: a crash in between loses the charge."""

import time

REJECTED_BY = "crash-loses"


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    if r.set(key, "", nx=True, ex=window_s):
        try:
            balance = r.incrby(account, cents)
        except Exception:
            r.delete(key)
            raise
        r.set(key, balance, xx=True, keepttl=True)
        return balance
    for _ in range(20):
        if known := r.get(key):
            return int(known)
        time.sleep(0.01)
    return int(r.get(account) or 0)
