"""As many as can do the work in the long run."""

import math

REJECTED_BY = "ignores-the-wait"


def workers_needed(lam, mu, target_wait):
    return math.floor(lam / mu) + 1
