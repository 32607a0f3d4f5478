"""Returns the size without a linger."""

REJECTED_BY = "not-a-pair"


def best_batch(alpha, beta, lam, budget):
    b = int((budget - alpha + 1 / lam) // (1 / lam + beta))
    if b < 1 or alpha + beta * b > b / lam:
        return None
    return b
