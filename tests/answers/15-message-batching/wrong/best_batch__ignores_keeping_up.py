"""Looks at the budget only."""

REJECTED_BY = "cannot-keep-up"


def best_batch(alpha, beta, lam, budget):
    b = int((budget - alpha + 1 / lam) // (1 / lam + beta))
    if b < 1:
        return None
    return b, budget - alpha - beta * b
