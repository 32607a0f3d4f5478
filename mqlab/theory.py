"""Queueing theory that several lessons draw their measurements over."""

from __future__ import annotations

import heapq

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
