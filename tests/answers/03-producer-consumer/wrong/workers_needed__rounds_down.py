"""Rounds the offered load: the queue grows for ever."""

REJECTED_BY = "unstable"


def workers_needed(lam, mu, target_wait):
    return max(1, round(lam / mu))
