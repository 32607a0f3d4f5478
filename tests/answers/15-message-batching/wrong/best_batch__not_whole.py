"""Returns a size that is not a whole number."""

REJECTED_BY = "not-a-size"


def best_batch(alpha, beta, lam, budget):
    b = (budget - alpha + 1 / lam) / (1 / lam + beta)
    if b < 1 or alpha + beta * b > b / lam:
        return None
    return b, budget - alpha - beta * b
