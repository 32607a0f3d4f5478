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


def simulated_wait(arrivals, services, servers=1):
    return (theory.fifo_starts(arrivals, services, servers) - arrivals).mean()


@pytest.mark.parametrize(("cs2", "draw"), [
    (1.0, lambda rng, n: rng.exponential(0.01, n)),
    (0.0, lambda rng, n: np.full(n, 0.01)),
    (0.5, lambda rng, n: rng.gamma(2, 0.005, n)),
])  # fmt: skip
def test_pollaczek_khinchine_against_simulation(cs2, draw):
    rng, n = np.random.default_rng(5), 200_000
    wait = simulated_wait(np.cumsum(rng.exponential(1 / 70, n)), draw(rng, n))
    assert theory.mg1_wait(70, 0.01, cs2) == pytest.approx(wait, rel=0.05)


def test_one_exponential_server_by_hand():
    assert theory.mm1_response(90, 100) == pytest.approx(0.1)  # ten service times at rho = 0.9
    assert theory.mg1_wait(90, 0.01, 1) == pytest.approx(0.09)
    assert theory.mg1_wait(90, 0.01, 0) == pytest.approx(0.045)  # constant service: half the wait
    assert theory.mg1_wait(np.array([0, 50, 100, 120]), 0.01, 1).tolist() == [0, pytest.approx(0.01), np.inf, np.inf]
    assert theory.mmc_wait(1, 90, 100) == pytest.approx(0.09)


def test_kingman():
    assert theory.kingman_wait(80, 0.01, 1, 0.5) == pytest.approx(theory.mg1_wait(80, 0.01, 0.5))
    assert theory.kingman_wait(80, 0.01, 0, 0) == 0  # a clock that never waits
    rng, n = np.random.default_rng(6), 200_000
    wait = simulated_wait(np.cumsum(rng.gamma(2, 1 / 180, n)), rng.exponential(0.01, n))  # ca2 = 0.5, rho = 0.9
    assert theory.kingman_wait(90, 0.01, 0.5, 1) == pytest.approx(wait, rel=0.1)


def test_erlang_c_by_hand():
    assert theory.erlang_c(1, 0.7) == pytest.approx(0.7)  # one server: it waits who finds it busy
    assert theory.erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert theory.erlang_c(3, 0.0) == 0 and theory.erlang_c(3, 3.0) == 1
    assert 0 < theory.erlang_c(2050, 2000.0) < 1  # factorials of this size overflow
    with pytest.raises(ValueError, match="at least one server"):
        theory.erlang_c(0, 1)


@pytest.mark.parametrize("servers", [2, 4])
def test_many_servers_against_simulation(servers):
    rng, n = np.random.default_rng(7), 200_000
    wait = simulated_wait(np.cumsum(rng.exponential(1 / (80 * servers), n)), rng.exponential(0.01, n), servers)
    assert theory.mmc_wait(servers, 80 * servers, 100) == pytest.approx(wait, rel=0.06)
    assert theory.mmc_wait(servers, 100 * servers, 100) == np.inf


@pytest.mark.parametrize(("servers", "lam"), [(1, 80), (2, 100), (4, 320)])  # 2 · 100 - 100 is mu
def test_response_quantiles_of_many_servers(servers, lam):
    rng, n = np.random.default_rng(8), 200_000
    arrivals, services = np.cumsum(rng.exponential(1 / lam, n)), rng.exponential(0.01, n)
    responses = theory.fifo_starts(arrivals, services, servers) + services - arrivals
    for q in (0.5, 0.95):
        quantile = theory.mmc_response_quantile(q, servers, lam, 100)
        assert quantile == pytest.approx(np.quantile(responses, q), rel=0.05)
        assert theory.mmc_response_above(quantile, servers, lam, 100) == pytest.approx(1 - q)


def test_response_quantiles_by_hand():
    assert theory.mmc_response_quantile(0.95, 1, 90, 100) == pytest.approx(np.log(20) / 10)  # M/M/1: Exp(mu - lam)
    assert theory.mmc_response_quantile(0, 1, 90, 100) == pytest.approx(0, abs=1e-9)
    assert theory.mmc_response_quantile(0.95, 2, 200, 100) == np.inf and theory.mmc_response_above(9, 2, 200, 100) == 1
    with pytest.raises(ValueError, match="0 <= q < 1"):
        theory.mmc_response_quantile(1.0, 1, 90, 100)


def test_cobham_against_cases_known_by_hand():
    # one class is M/G/1; a class of no load waits for the rest of the job in service, sped up by nobody
    assert np.allclose(theory.cobham_waits([50], [0.01], [2e-4]), theory.mg1_wait(50, 0.01, 1.0))
    assert np.allclose(theory.cobham_waits([30, 50], [0.01, 0.01], [1e-4, 1e-4]), [0.004 / 0.7, 0.004 / (0.7 * 0.2)])
    first, second, third = theory.cobham_waits([30, 80, 1], [0.01] * 3, [1e-4] * 3)
    assert np.isclose(first, 0.0111 / 2 / 0.7) and (second, third) == (np.inf, np.inf)


def test_cobham_keeps_the_conservation_law():
    lams, taus = np.array([20.0, 10, 30]), np.array([0.01, 0.02, 0.008])
    strict = theory.cobham_waits(lams, taus, 2 * taus**2)
    fifo = (lams * taus**2).sum() / (1 - (lams * taus).sum())
    assert np.isclose((lams * taus * strict).sum(), (lams * taus).sum() * fifo)  # Kleinrock 1965


def test_dispatch_in_order_of_arrival_is_one_fifo_server():
    rng = np.random.default_rng(2)
    arrivals, services = np.cumsum(rng.exponential(1, 400)), rng.exponential(0.9, 400)
    starts = theory.dispatch_starts(
        arrivals, services, rng.integers(0, 3, 400), lambda heads: min(heads, key=heads.get)
    )
    assert np.allclose(starts, theory.fifo_starts(arrivals, services))


def test_dispatch_by_class_does_not_preempt():
    arrivals, services = np.array([0.0, 1, 2, 3, 20]), np.array([5.0, 4, 3, 2, 1])
    starts = theory.dispatch_starts(arrivals, services, ["low", "low", "high", "high", "low"], min)
    assert starts.tolist() == [0, 10, 5, 8, 20]


def test_dispatch_under_strict_priority_comes_to_cobham():
    rng = np.random.default_rng(3)
    arrivals, classes = np.cumsum(rng.exponential(1, 60_000)), rng.integers(0, 2, 60_000)
    services = rng.exponential(0.7, 60_000)
    waits = theory.dispatch_starts(arrivals, services, classes, min) - arrivals
    assert np.allclose(
        [waits[classes == k].mean() for k in (0, 1)],
        theory.cobham_waits([0.5, 0.5], [0.7, 0.7], [0.98, 0.98]),
        rtol=0.1,
    )
