"""Rounds to the next batch size, which does not fit."""

REJECTED_BY = "over-budget"


def best_batch(alpha, beta, lam, budget):
    b = int((budget - alpha + 1 / lam) / (1 / lam + beta)) + 1
    if b < 1 or alpha + beta * b > b / lam:
        return None
    return b, budget - alpha - beta * b
