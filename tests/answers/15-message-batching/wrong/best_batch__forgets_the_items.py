"""Counts alpha for the send, and not beta for each item."""

REJECTED_BY = "over-budget"


def best_batch(alpha, beta, lam, budget):
    b = int((budget - alpha + 1 / lam) // (1 / lam))
    if b < 1 or alpha + beta * b > b / lam:
        return None
    return b, budget - alpha - beta * b
