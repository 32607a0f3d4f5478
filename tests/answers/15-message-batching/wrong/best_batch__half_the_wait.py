"""Takes half of the time in which a batch fills as linger."""

REJECTED_BY = "linger-too-short"


def best_batch(alpha, beta, lam, budget):
    b = int((budget - alpha + 1 / lam) // (1 / lam + beta))
    if b < 1 or alpha + beta * b > b / lam:
        return None
    return b, (b - 1) / lam / 2
