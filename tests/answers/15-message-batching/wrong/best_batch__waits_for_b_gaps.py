"""Lets the first click wait for b gaps: b clicks have b - 1 gaps between them."""

REJECTED_BY = "too-small"


def best_batch(alpha, beta, lam, budget):
    b = int((budget - alpha) // (1 / lam + beta))
    if b < 1 or alpha + beta * b > b / lam:
        return None
    return b, budget - alpha - beta * b
