"""Leaves time for a send of nothing."""

REJECTED_BY = "linger-too-long"


def best_batch(alpha, beta, lam, budget):
    b = int((budget - alpha + 1 / lam) // (1 / lam + beta))
    if b < 1 or alpha + beta * b > b / lam:
        return None
    return b, budget - alpha
