"""What a check works with: a broker that is its own, clients of it, and a random generator with a fixed seed."""

from __future__ import annotations

import random
import socket
from functools import cached_property

import redis

from mqlab.checks.traced import Hook, traced_client


class Bench:
    """broker: a private one, for this check only: it may be flushed. rng: `random.Random` of a fixed seed.

    To kill a broker use `with bench.broker.expendable() as victim`; for an answer that only has to meet a broker that
    is down, `bench.unreachable()` is enough and quicker.
    """

    def __init__(self, broker, seed: str):
        self.broker = broker
        self.rng = random.Random(seed)

    @cached_property
    def r(self) -> redis.Redis:
        """A client, made at the first use."""
        return self.client()

    def client(self, **kwargs) -> redis.Redis:
        """A new client. It waits without a time-out: to end a call that blocks for ever is up to the time limit."""
        return traced_client(self.broker.url, Hook(), **{"socket_timeout": None, **kwargs})

    def unreachable(self) -> redis.Redis:
        """A client of a broker that is down: every command raises redis.ConnectionError at once."""
        self._taken = socket.socket()  # bound and not listening: nobody else can come to listen on this port
        self._taken.bind(("127.0.0.1", 0))
        return redis.Redis.from_url(f"redis://127.0.0.1:{self._taken.getsockname()[1]}", decode_responses=True)

    def flush(self) -> None:
        """Empty the broker, scripts and functions included."""
        for command in ("FLUSHALL", "SCRIPT FLUSH", "FUNCTION FLUSH"):
            self.r.execute_command(command)
