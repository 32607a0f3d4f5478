"""Takes the smallest batch that keeps up, not the largest within the budget."""

REJECTED_BY = "too-small"


def best_batch(alpha, beta, lam, budget):
    for b in range(1, 10_000):
        if (b - 1) / lam + alpha + beta * b > budget:
            return None
        if alpha + beta * b <= b / lam:
            return b, budget - alpha - beta * b
    return None
