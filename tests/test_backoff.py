"""The curves of retries against simulation and by hand."""

import numpy as np
import pytest

from mqlab import backoff


def test_decorrelated_means_before_the_cap_follow_their_recursion():
    means = backoff.decorrelated_means(3, base=1.0, cap=1000.0)
    assert means == pytest.approx([2.0, 3.5, 5.75], rel=0.01)  # (1 + 3 · 1) / 2, then (1 + 3 · mean) / 2


@pytest.mark.parametrize("cap", [1.5, 20.0, 100.0])
def test_decorrelated_means_against_simulation(cap):
    rng, wait = np.random.default_rng(1), np.full(200_000, 1.0)
    means = backoff.decorrelated_means(12, base=1.0, cap=cap)
    for mean in means:
        wait = np.minimum(cap, rng.uniform(1.0, 3 * wait))
        assert mean == pytest.approx(wait.mean(), rel=0.01)


def test_full_jitter_rate_against_simulation():
    rng = np.random.default_rng(2)
    high = np.minimum(0.8, 0.1 * 2.0 ** np.arange(60))
    retries = np.cumsum(rng.uniform(0, high, (20_000, 60)), axis=1)
    edges = np.arange(0, 2.01, 0.1)
    counted = np.histogram(retries, edges)[0] / 20_000 / 0.1
    times = np.arange(0, 2.1, 0.002)
    rate = backoff.full_jitter_rate(times, 0.1, 0.8)
    expected = np.array([rate[(times >= a) & (times < a + 0.1)].mean() for a in edges[:-1]])
    assert expected == pytest.approx(counted, rel=0.05)


def test_full_jitter_rate_settles_at_one_retry_per_mean_wait():
    times = np.arange(0, 6, 0.005)
    assert backoff.full_jitter_rate(times, 0.1, 0.4)[-100:].mean() == pytest.approx(1 / 0.2, rel=0.01)
