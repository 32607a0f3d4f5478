"""The fault kit: what a lesson breaks things with.

The network: `Proxy` (proxy.py). Messages that repeat or overtake, and clocks that are wrong: here. Processes
that die or hang: `Worker` (processes.py). The server: `Broker` (broker.py).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable

from mqlab.proxy import Proxy

__all__ = ["FakeClock", "Proxy", "SkewedClock", "duplicated", "reordered"]


def duplicated(messages: Iterable, share: float, rng: random.Random) -> list:
    """Each message, and with probability `share` the same once more right behind it."""
    return [copy for message in messages for copy in [message] * (2 if rng.random() < share else 1)]


def reordered(messages: Iterable, window: int, rng: random.Random) -> list:
    """The messages shuffled locally: only those at most `window` places apart can overtake each other."""
    if window < 0:
        raise ValueError(f"window must be 0 or more places, not {window}.")
    keys = [(place + rng.random() * (window + 1), message) for place, message in enumerate(messages)]
    return [message for _, message in sorted(keys, key=lambda pair: pair[0])]


class SkewedClock:
    """A wall clock, in seconds, that is `offset` seconds ahead and runs `rate` times as fast."""

    def __init__(self, offset: float = 0.0, rate: float = 1.0, clock: Callable[[], float] = time.time):
        self.offset = offset
        self.rate = rate
        self._clock = clock
        self._start = clock()

    def __call__(self) -> float:
        return self._start + (self._clock() - self._start) * self.rate + self.offset


class FakeClock:
    """Time that passes only by `sleep`: pass `clock=fake.now, sleep=fake.sleep`."""

    def __init__(self, start: float = 0.0):
        self._now = start

    def now(self) -> float:
        """Seconds."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass, at once. Raises ValueError for less than 0, as time.sleep does."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self._now += seconds
