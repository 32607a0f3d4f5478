"""Queueing theory that several lessons draw their measurements over."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Hashable

import numpy as np


def fifo_starts(arrivals: np.ndarray, services: np.ndarray, servers: int = 1) -> np.ndarray:
    """When each job of a first-come-first-served queue starts, on this very path of arrivals and service times.

    `arrivals` (ascending) and `services` are in seconds, shape (n,); so is the result. For one server this is Lindley's
    recursion (D. V. Lindley, 1952), start[i] = max(arrival[i], start[i-1] + service[i-1]); for more, each job takes the
    server that is free first (Kiefer and Wolfowitz, 1955). Raises ValueError when the shapes differ.
    """
    if len(arrivals) != len(services):
        raise ValueError(f"{len(arrivals)} arrivals but {len(services)} service times")
    free = [-np.inf] * servers
    starts = np.empty(len(arrivals))
    for i, (arrival, service) in enumerate(zip(arrivals, services, strict=True)):
        starts[i] = max(arrival, heapq.heappop(free))
        heapq.heappush(free, starts[i] + service)
    return starts


def fluid_depth(t: np.ndarray, phases: list[tuple[float, float]], mu: float) -> np.ndarray:
    """Depth of a queue at times `t` (seconds, ascending) if messages were a fluid: slope lambda - mu, never below 0.

    `phases` are (arrival rate in messages/s, length in seconds), as for `mqlab.load.schedule`; `mu` is the total
    service rate in messages/s. Returns messages, shape of `t`. Exact for this model: its depth is piecewise linear.
    """
    corners, depths, now, depth = [0.0], [0.0], 0.0, 0.0
    for rate, seconds in phases:
        net = rate - mu
        if depth > 0 and net < 0 and depth < -net * seconds:
            corners.append(now + depth / -net)
            depths.append(0.0)
        depth = max(0.0, depth + net * seconds)
        now += seconds
        corners.append(now)
        depths.append(depth)
    return np.interp(t, corners, depths)


# ---------------------------------------------------------------- waiting times in the long run
#
# A wait is the time before service starts; the response time is the wait plus the service time. Rates are messages/s,
# times are seconds. Where the arrival rate reaches the capacity there is no long run: the wait is infinite.


def mg1_wait(lam: np.ndarray | float, tau: float, cs2: float) -> np.ndarray:
    """Mean wait in M/G/1: Poisson arrivals at rate `lam`, one server, service of mean `tau` and any distribution.

    `cs2` is the squared coefficient of variation of the service time, variance / mean²: 1 for exponential service
    (M/M/1), 0 for constant (M/D/1). Pollaczek 1930, Khinchine 1932: rho tau (1 + cs2) / 2 (1 - rho), rho = lam tau.
    """
    return kingman_wait(lam, tau, 1.0, cs2)


def kingman_wait(lam: np.ndarray | float, tau: float, ca2: float, cs2: float) -> np.ndarray:
    """Approximate mean wait in G/G/1: as `mg1_wait`, for gaps between arrivals of squared variation coefficient `ca2`.

    rho / (1 - rho) · (ca2 + cs2) / 2 · tau. J. F. C. Kingman 1961, for heavy traffic; exact for Poisson arrivals.
    """
    rho = np.asarray(lam, float) * tau
    spare = np.where(rho < 1, 1 - rho, np.nan)
    return np.where(rho < 1, rho / spare * (ca2 + cs2) / 2 * tau, np.inf)


def mm1_response(lam: np.ndarray | float, mu: float) -> np.ndarray:
    """Mean response time in M/M/1, 1 / (mu - lam)."""
    return mg1_wait(lam, 1 / mu, 1.0) + 1 / mu


def erlang_c(servers: int, offered: float) -> float:
    """The probability that an arrival has to wait in M/M/c, c = `servers`, offered load `offered` = lam / mu (erlangs).

    A. K. Erlang 1917; computed by the recursion of the loss formula, which overflows for no number of servers.
    1 when the servers cannot keep up. Raises ValueError for fewer than one server or a negative load.
    """
    if servers < 1 or offered < 0:
        raise ValueError(f"erlang_c needs at least one server and a load of at least 0, not {servers} and {offered}")
    if offered >= servers:
        return 1.0
    loss = 1.0
    for n in range(1, servers + 1):
        loss = offered * loss / (n + offered * loss)
    return loss / (1 - offered / servers * (1 - loss))


def mmc_wait(servers: int, lam: float, mu: float) -> float:
    """Mean wait in M/M/c: `servers` consumers of one queue, each of rate `mu`. Infinite when lam >= servers · mu."""
    if lam >= servers * mu:
        return float("inf")
    return erlang_c(servers, lam / mu) / (servers * mu - lam)


def mmc_response_above(t: float, servers: int, lam: float, mu: float) -> float:
    """P(response time > t) in M/M/c; 1 when lam >= servers · mu.

    Who does not wait is served for Exp(mu). Who waits, waits for Exp(d), d = servers · mu - lam, and is then served:
    the sum of two exponentials (D. Gross and C. M. Harris, Fundamentals of Queueing Theory, section 2.3).
    """
    spare = servers * mu - lam
    if spare <= 0:
        return 1.0
    waits, served = erlang_c(servers, lam / mu), np.exp(-mu * t)
    if np.isclose(spare, mu):
        both = (1 + mu * t) * served
    else:
        both = (spare * served - mu * np.exp(-spare * t)) / (spare - mu)
    return float((1 - waits) * served + waits * both)


def mmc_response_quantile(q: float, servers: int, lam: float, mu: float) -> float:
    """The response time that the share `q` of messages does not exceed in M/M/c, by bisection.

    Infinite when lam >= servers · mu. Raises ValueError unless 0 <= q < 1.
    """
    if not 0 <= q < 1:
        raise ValueError(f"a quantile needs 0 <= q < 1, not {q}")
    if lam >= servers * mu:
        return float("inf")
    low, high = 0.0, 1 / mu
    while mmc_response_above(high, servers, lam, mu) > 1 - q:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if mmc_response_above(middle, servers, lam, mu) > 1 - q else (low, middle)
    return high


# ---------------------------------------------------------------- several classes of jobs, one server


def cobham_waits(lams: np.ndarray, taus: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Mean wait of each class under strict, non-preemptive priority; Poisson arrivals, one server, most urgent first.

    Per class: `lams` the arrival rate, `taus` the mean service time, `seconds` the mean of its square (s²). The job in
    service has W0 = sum(lam E[S²]) / 2 left on average; W[k] = W0 / (1 - sigma[k-1]) (1 - sigma[k]), where sigma[k] is
    the utilisation by the classes 0 to k. Infinite for a class that no capacity is left for. A. Cobham, 1954.
    """
    lams, taus, seconds = (np.asarray(values, float) for values in (lams, taus, seconds))
    sigma = np.concatenate([[0.0], np.cumsum(lams * taus)])
    spare = np.where(sigma < 1, 1 - sigma, np.nan)
    return np.where(sigma[1:] < 1, (lams * seconds).sum() / 2 / (spare[:-1] * spare[1:]), np.inf)


def dispatch_starts(
    arrivals: np.ndarray, services: np.ndarray, classes: np.ndarray, pick: Callable[[dict], Hashable]
) -> np.ndarray:
    """When each job starts on this very path, if the one server chooses the class each time it is free.

    `arrivals` (ascending) and `services` are in seconds, shape (n,); `classes` holds the class of each job. Within a
    class the order is that of arrival. `pick(heads)` returns the class to serve; `heads` holds, for each class that
    waits, the arrival time of its oldest job. So `min` is strict priority (the smallest class first), and
    `lambda heads: min(heads, key=heads.get)` is first come, first served. Nothing is preempted.
    """
    starts, heads, waiting = np.empty(len(arrivals)), {}, {}
    now, following = -np.inf, 0
    for _ in range(len(arrivals)):
        if not heads:
            now = max(now, arrivals[following])
        while following < len(arrivals) and arrivals[following] <= now:
            kind = classes[following]
            waiting.setdefault(kind, deque()).append(following)
            heads.setdefault(kind, arrivals[following])
            following += 1
        kind = pick(heads)
        job = waiting[kind].popleft()
        heads.pop(kind)
        if waiting[kind]:
            heads[kind] = arrivals[waiting[kind][0]]
        starts[job], now = now, now + services[job]
    return starts
