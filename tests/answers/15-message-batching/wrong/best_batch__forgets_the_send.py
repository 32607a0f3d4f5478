"""Spends the whole budget on the wait, and none on the send."""

REJECTED_BY = "over-budget"


def best_batch(alpha, beta, lam, budget):
    b = int(budget * lam + 1)
    if b < 1 or alpha + beta * b > b / lam:
        return None
    return b, budget - alpha - beta * b
