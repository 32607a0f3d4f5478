"""Solves M/M/1 for the rate and divides: a fraction of a worker."""

REJECTED_BY = "not-an-int"


def workers_needed(lam, mu, target_wait):
    rate = (lam + (lam**2 + 4 * lam / target_wait) ** 0.5) / 2
    return max(1, rate / mu)
