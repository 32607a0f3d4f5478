"""Open-loop load: the schedule is kept whatever the answers do, and latency counts from it."""

import threading
import time

import numpy as np
import pytest

from mqlab import load


def test_evenly_spaced_without_a_seed():
    times = load.schedule([(10, 1.0), (100, 0.5)])
    assert len(times) == 60
    assert np.allclose(np.diff(times[:10]), 0.1) and np.allclose(np.diff(times[10:]), 0.01)
    assert times[9] < 1.0 < times[10] < 1.5


def test_poisson_with_a_seed():
    times = load.schedule([(200, 50.0)], seed=1)
    gaps = np.diff(times)
    assert np.array_equal(times, load.schedule([(200, 50.0)], seed=1))
    assert not np.array_equal(times[:50], load.schedule([(200, 50.0)], seed=2)[:50])
    assert (gaps >= 0).all() and times[-1] < 50
    assert abs(len(times) - 10_000) < 400  # four standard deviations
    assert abs(gaps.std() / gaps.mean() - 1) < 0.05  # exponential: as wide as its mean


def test_empty_and_wrong_phases():
    assert len(load.schedule([])) == 0 and len(load.schedule([(0, 1.0)], seed=1)) == 0
    with pytest.raises(ValueError, match="at least 0"):
        load.schedule([(-1, 1.0)])


def test_a_slow_service_does_not_slow_the_load_down():
    """Closed-loop load would send 1 request in 0.2 s here, and see a latency of 0.2 s only."""
    free = threading.Semaphore(1)

    def one_at_a_time(i):
        with free:
            time.sleep(0.02)

    frame = load.run(load.schedule([(200, 0.2)]), one_at_a_time)
    assert (frame.sent - frame.scheduled).max() < 0.2, "requests must leave on time"
    assert frame.latency.iloc[-1] > 0.5, "40 requests of 20 ms, one at a time: the last waits for all the others"


def test_waiting_for_a_thread_counts():
    frame = load.run(load.schedule([(200, 0.1)]), lambda i: time.sleep(0.02), threads=1)
    assert frame.latency.iloc[-1] > 0.25
    assert (frame.latency - (frame.done - frame.scheduled)).abs().max() < 1e-9


def test_outcomes_are_values_or_the_names_of_exceptions():
    def send(i):
        if i == 1:
            raise TimeoutError
        return 200 + i

    frame = load.run(load.schedule([(100, 0.03)]), send)
    assert frame.outcome.tolist() == [200, "TimeoutError", 202]
    assert frame.attrs["start"] <= frame.scheduled[0]


def test_probe_keeps_failed_readings_as_nan():
    values = iter([1, 2])

    with load.Probe(lambda: {"depth": next(values)}, every=0.001) as probe:
        load.wait_until(lambda: len(probe.frame) >= 4)
    frame = probe.frame
    assert frame.depth.tolist()[:2] == [1, 2] and frame.depth[2:].isna().all()
    assert frame.t.is_monotonic_increasing
    assert not [t for t in threading.enumerate() if t is probe._thread]


def test_wait_until():
    answers = iter([0, None, 7])
    assert load.wait_until(lambda: next(answers), every=0) == 7
    with pytest.raises(TimeoutError, match="0.01 s in vain for the moon"):
        load.wait_until(lambda: False, timeout=0.01, what="the moon")
