"""Open-loop load and what to measure under it.

Open loop means that requests leave on a clock, whether or not earlier ones have been answered, as customers do. Latency
counts from the *scheduled* time. A load generator that waits for the last answer before it sends the next request
measures too little exactly when the system is slow; Gil Tene named that error *coordinated omission*
(https://github.com/giltene/wrk2#acknowledgements).

All times are seconds of `time.monotonic()`. On Linux and macOS every process of one machine reads the same monotonic
clock, so a time taken in a worker process can be compared with one taken here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import numpy as np
import pandas as pd


def schedule(phases: Iterable[tuple[float, float]], seed: int | None = None) -> np.ndarray:
    """When requests leave, for `phases` of (rate in requests/s, length in seconds), one after the other.

    Without a seed the requests of a phase are evenly spaced: nothing is left to chance. With a seed they form a Poisson
    process: independent customers. Returns the times in seconds from the start, ascending, shape (n,).
    Raises ValueError for a negative rate or length.
    """
    rng = None if seed is None else np.random.default_rng(seed)
    start, times = 0.0, []
    for rate, seconds in phases:
        if rate < 0 or seconds < 0:
            raise ValueError(f"a phase needs a rate and a length of at least 0, not ({rate}, {seconds})")
        count = round(rate * seconds) if rng is None else rng.poisson(rate * seconds)
        # Given their number, the arrivals of a Poisson process are independent and uniform over the phase.
        offsets = (np.arange(count) + 0.5) / max(count, 1) if rng is None else np.sort(rng.random(count))
        times.append(start + seconds * offsets)
        start += seconds
    return np.concatenate(times) if times else np.empty(0)


def run(times: np.ndarray, send: Callable[[int], Any], *, threads: int = 64) -> pd.DataFrame:
    """Call `send(i)` at start + times[i], for every i, from a pool of `threads`.

    Returns one row a request, in order: `scheduled`, `sent` and `done` (seconds of time.monotonic()), `latency`
    (seconds, done - scheduled: waiting for a free thread is part of it), `outcome` (what `send` returned, or the
    name of the exception class it raised). `attrs["start"]` holds the start. Never raises for a failing request.
    """
    sent, done = np.zeros(len(times)), np.zeros(len(times))
    outcome: list[Any] = [None] * len(times)

    def one(i: int) -> None:
        sent[i] = time.monotonic()
        try:
            outcome[i] = send(i)
        except Exception as error:
            outcome[i] = type(error).__name__
        done[i] = time.monotonic()

    with ThreadPoolExecutor(threads) as pool:
        start = time.monotonic()
        for i, at in enumerate(times):
            time.sleep(max(0.0, start + at - time.monotonic()))
            pool.submit(one, i)
    frame = pd.DataFrame(
        {
            "scheduled": start + np.asarray(times, float),
            "sent": sent,
            "done": done,
            "latency": done - start - times,
            "outcome": outcome,
        }
    )
    frame.attrs["start"] = start
    return frame


class Probe:
    """Calls `read()` every `every` seconds in the background and keeps what it returns, a dict of numbers.

        with Probe(lambda: {"depth": r.llen(queue)}) as probe:
            ...
        probe.frame     # columns: t (seconds of time.monotonic()) and the keys of the dict

    A reading that fails is kept as a row of NaN: a broker that is down is a finding, not an error of the bench.
    """

    def __init__(self, read: Callable[[], dict[str, float]], *, every: float = 0.02) -> None:
        self._read, self._every = read, every
        self._rows: list[dict[str, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def _loop(self) -> None:
        while not self._stop.wait(self._every):
            row: dict[str, float] = {"t": time.monotonic()}
            try:
                row |= self._read()
            except Exception:
                pass
            self._rows.append(row)

    @property
    def frame(self) -> pd.DataFrame:
        """All readings so far, one row each."""
        return pd.DataFrame(self._rows)

    def __enter__(self) -> Probe:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()


def wait_until(condition: Callable[[], Any], *, timeout: float = 20.0, every: float = 0.01, what: str = "") -> Any:
    """Wait until `condition()` is true and return its value. Raises TimeoutError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s in vain for {what or 'a condition'}")
        time.sleep(every)
    return value
