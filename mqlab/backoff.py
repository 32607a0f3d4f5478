"""What theory says about retries with random waits: the curves that measured ones are drawn over.

All times are seconds. Failures are counted from 0: wait 0 follows the first failure. The recipes are those of
M. Brooker, "Exponential Backoff And Jitter" (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
"""

from __future__ import annotations

import numpy as np


def decorrelated_means(count: int, base: float, cap: float, points: int = 2000) -> np.ndarray:
    """Mean of the first `count` waits of decorrelated jitter: min(cap, uniform(base, 3 · the wait before)).

    The wait before the first one counts as `base`. The distribution is carried on from wait to wait at `points`
    equally likely values, so the result is exact but for a discretisation error far below 1%. Returns seconds.
    """
    levels = (np.arange(points) + 0.5) / points
    grid = np.linspace(base, cap, points)
    waits, means = np.full(points, base), []
    for _ in range(count):
        # P(next <= x), averaged over the wait before: uniform from base to 3 · waits; what exceeds cap becomes cap
        below = np.clip((grid[:, None] - base) / (3 * waits - base), 0, 1).mean(axis=1)
        waits = np.where(levels < below[-1], np.interp(levels, below, grid), cap)
        means.append(waits.mean())
    return np.array(means)


def full_jitter_rate(times: np.ndarray, base: float, cap: float) -> np.ndarray:
    """Retries/s to expect at `times` from one client whose call failed at time 0 and fails every time, at once.

    Retry n happens after the sum of n independent waits, uniform from 0 to min(cap, base · 2**k) for k < n. Its density
    is the convolution of theirs, and the rate is the sum of the densities over all n. `times`: equally spaced from 0.
    """
    step, total = times[1] - times[0], np.zeros(len(times))
    edges = np.append(times, times[-1] + step) - step / 2
    density, n = None, 0
    while True:
        high = min(cap, base * 2 ** min(n, 60))
        wait = np.diff(np.clip(edges, 0, high)) / high / step  # the uniform density, averaged over each cell
        density = wait if density is None else np.convolve(density, wait)[: len(times)] * step
        total += density
        n += 1
        if density.sum() * step < 1e-6:  # the n-th retry comes after the last of `times`
            return total
