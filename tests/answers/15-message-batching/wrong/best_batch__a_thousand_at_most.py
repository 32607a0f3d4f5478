"""Looks no further than b = 1,000."""

REJECTED_BY = "too-small"


def best_batch(alpha, beta, lam, budget):
    best = None
    for b in range(1, 1001):
        if (b - 1) / lam + alpha + beta * b <= budget and alpha + beta * b <= b / lam:
            best = b
    return best and (best, (best - 1) / lam)
