"""Stops looking at the first size that cannot keep up, although larger ones can."""

REJECTED_BY = "gives-up"


def best_batch(alpha, beta, lam, budget):
    b = 0
    while b / lam + alpha + beta * (b + 1) <= budget and alpha + beta * (b + 1) <= (b + 1) / lam:
        b += 1
    return (b, (b - 1) / lam) if b else None
