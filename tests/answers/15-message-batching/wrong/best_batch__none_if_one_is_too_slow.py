"""Gives up as soon as b = 1 cannot keep up."""

REJECTED_BY = "gives-up"


def best_batch(alpha, beta, lam, budget):
    best = None
    for b in range(1, 10_000):
        if alpha + beta * b > b / lam or (b - 1) / lam + alpha + beta * b > budget:
            break
        best = b, budget - alpha - beta * b
    return best
