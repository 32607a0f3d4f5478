"""Task 1 without rounding; task 3 in a loop over levels, each half in its place."""

from fractions import Fraction
from math import floor


def best_batch(alpha, beta, lam, budget):
    alpha, beta, gap, budget = Fraction(alpha), Fraction(beta), 1 / Fraction(lam), Fraction(budget)
    b = floor((budget - alpha + gap) / (beta + gap))
    return (b, float((b - 1) * gap)) if b >= 1 and alpha + beta * b <= b * gap else None


def send_isolating(items, send):
    ok, bad, level = [], [], [range(len(items))] if items else []
    while level:
        refused = []
        for part in level:
            try:
                send([items[n] for n in part])
                ok += part
            except ValueError:
                refused.append(part)
        bad += [part[0] for part in refused if len(part) == 1]
        level = [half for part in refused if len(part) > 1
                 for half in (part[: len(part) // 2], part[len(part) // 2 :])]
    return [items[n] for n in sorted(ok)], [items[n] for n in sorted(bad)]
