"""Computes the formula with powers and factorials as floats."""

import math

REJECTED_BY = "overflows"


def workers_needed(lam, mu, target_wait):
    a, c = lam / mu, math.floor(lam / mu) + 1
    while True:
        tail = a**c / float(math.factorial(c)) * c / (c - a)
        if tail / (sum(a**n / float(math.factorial(n)) for n in range(c)) + tail) / (c * mu - lam) <= target_wait:
            return c
        c += 1
