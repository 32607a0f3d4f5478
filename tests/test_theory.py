"""The formulas, against brute force and against cases known by hand."""

import numpy as np
import pytest

from mqlab import theory


def test_one_server_is_lindleys_recursion():
    rng = np.random.default_rng(1)
    arrivals, services = np.cumsum(rng.exponential(1, 500)), rng.exponential(0.8, 500)
    starts, free = [], 0.0
    for arrival, service in zip(arrivals, services, strict=True):
        starts.append(max(arrival, free))
        free = starts[-1] + service
    assert np.allclose(theory.fifo_starts(arrivals, services), starts)


def test_more_servers():
    arrivals, services = np.array([0.0, 0, 0, 0]), np.array([3.0, 1, 1, 1])
    assert theory.fifo_starts(arrivals, services, 2).tolist() == [0, 0, 1, 2]
    assert theory.fifo_starts(arrivals, services, 4).tolist() == [0, 0, 0, 0]


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="2 arrivals but 1 service"):
        theory.fifo_starts(np.zeros(2), np.zeros(1))


def test_fluid_of_the_lesson():
    phases = [(30, 1.0), (300, 1.5), (30, 3.0)]
    t = np.array([0.0, 1.0, 1.75, 2.5, 2.5 + 225 / 120 / 2, 2.5 + 225 / 120, 5.0])
    assert np.allclose(theory.fluid_depth(t, phases, 150), [0, 0, 112.5, 225, 112.5, 0, 0])


def test_fluid_against_small_steps():
    phases, dt, depth = [(50, 0.7), (90, 1.1), (10, 0.4), (70, 0.9), (0, 2.0)], 1e-4, 0.0
    t, slow = np.arange(0, 5.1, dt), []
    ends = np.cumsum([seconds for _, seconds in phases])
    for now in t:
        slow.append(depth)
        rate = phases[min(np.searchsorted(ends, now, side="right"), len(phases) - 1)][0]
        depth = max(0.0, depth + (rate - 60) * dt)
    assert np.abs(theory.fluid_depth(t, phases, 60) - slow).max() < 0.1
