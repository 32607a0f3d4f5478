"""Keeps the mean wait within the budget instead of the longest."""

REJECTED_BY = "over-budget"


def best_batch(alpha, beta, lam, budget):
    b = int((budget - alpha + 0.5 / lam) // (0.5 / lam + beta))
    if b < 1 or alpha + beta * b > b / lam:
        return None
    return b, budget - alpha - beta * b
