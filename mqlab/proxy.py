"""A network between a client and the broker that delays, cuts and loses replies: a proxy on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from urllib.parse import quote, urlsplit

import hiredis
from redis.connection import SSLConnection, parse_url

from mqlab.server import free_port

HANDSHAKE = {b"HELLO", b"AUTH", b"CLIENT", b"SELECT"}  # a client sends these by itself
SUBSCRIBE = {b"SUBSCRIBE", b"PSUBSCRIBE", b"SSUBSCRIBE"}
INCOMPLETE = object()


class Proxy:
    """A network with faults, on loopback.

        with Proxy(broker.url) as proxy:
            r = redis.Redis.from_url(proxy.url)
            proxy.delay = 0.02                   # seconds, each way
            proxy.lose_reply("XADD")             # executed, but the client is never told

    It understands enough of the protocol to tell which reply answers which command. On a connection that has
    subscribed no reply gets lost: messages there answer no command. A server behind TLS or a unix socket is reached
    by these; from the client to the proxy it is plain TCP on loopback.

    delay: seconds each way. Bytes stay in order, and many are on their way at once: pipelining helps as in a
    real network. lost: how many replies were lost so far.
    """

    def __init__(self, url: str):
        scheme, _, _, query, _ = urlsplit(url)
        if scheme not in ("redis", "rediss", "unix"):
            raise ValueError(f"The proxy takes a redis://, rediss:// or unix:// URL, not one of {scheme or 'no'}://.")
        self._server = parse_url(url)
        self.port = free_port()
        user, password = (quote(self._server.get(key) or "", safe="") for key in ("username", "password"))
        self.url = f"redis://{user}:{password}@127.0.0.1:{self.port}/{self._server.get('db', 0)}"
        if scheme == "redis" and query:
            self.url += f"?{query}"
        self.delay = 0.0
        self.lost = 0
        self._losses: list[tuple[bytes | None, Callable[[], bool]]] = []
        self._connections: set[asyncio.Task] = set()
        self._listener: asyncio.Server | None = None
        self._home = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mqlab-proxy", daemon=True)
        self._thread.start()
        self._run(self._listen)

    # ------------------------------------------------------------ faults

    def cut(self) -> None:
        """End the connections there are; new ones can be made.

        A call that waits for its reply gets a ConnectionError; an idle client makes a new connection unnoticed.
        """
        self._run(self._cut)

    def refuse(self) -> None:
        """Refuse new connections; those there are go on."""
        self._run(self._refuse)

    def heal(self) -> None:
        """Take connections again, and forget the losses that were planned. `delay` stays as it is."""
        self._losses.clear()
        self._run(self._listen)

    def lose_reply(self, command: str | None = None, n: int = 1) -> None:
        """Lose the reply to the n-th such command from now.

        The command goes through and takes effect; then the connection ends, so that the client gets a
        ConnectionError and cannot know. command: its first word as it is sent (r.incr sends INCRBY); None for
        any but those that open a connection. In MULTI a command is answered by QUEUED: to lose its outcome,
        say "EXEC".
        """
        numbers = itertools.count(1)
        self._losses.append((command and command.upper().encode(), lambda: next(numbers) == n))

    def lose_replies(self, share: float, seed: int, command: str | None = None) -> None:
        """From now on lose each such reply with probability `share`."""
        rng = random.Random(seed)
        self._losses.append((command and command.upper().encode(), lambda: rng.random() < share))

    def close(self) -> None:
        """End all connections and the proxy. Does nothing in a forked child."""
        if self._home != os.getpid() or self._loop.is_closed():
            return
        self._run(self._refuse)
        self._run(self._cut)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def __repr__(self) -> str:  # without the password in the URL
        return f"<Proxy on 127.0.0.1:{self.port}: {1000 * self.delay:g} ms each way, {self.lost} replies lost>"

    # ------------------------------------------------------------ in the proxy's thread

    def _run(self, function: Callable[[], Coroutine]) -> None:
        if self._home != os.getpid():  # a forked child has no such thread
            raise RuntimeError("This proxy runs in the process that made it. Make one of your own here.")
        asyncio.run_coroutine_threadsafe(function(), self._loop).result(timeout=10)

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def _refuse(self) -> None:
        if self._listener is not None:
            for listening in self._listener.sockets:
                _shut_down(listening)
            self._listener.close()
            self._listener = None

    async def _cut(self) -> None:
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        self._connections.add(connection)
        writers = [writer]
        try:
            server_reader, server_writer = await _connect(self._server)
            writers.append(server_writer)
            await _Link(self).carry(reader, writer, server_reader, server_writer)
        except (OSError, asyncio.CancelledError):  # the broker is down, or cut(): so is this connection
            pass
        finally:
            for each in writers:
                # shut down, then close: a process forked from the kernel may hold a copy of the socket
                _shut_down(each.get_extra_info("socket"))
                each.transport.abort()
            self._connections.discard(connection)

    def _loses(self, command: bytes) -> bool:
        decisions = [
            decide()  # each that applies is asked, since it counts
            for wanted, decide in self._losses
            if wanted == command or (wanted is None and command not in HANDSHAKE)
        ]
        return any(decisions)


async def _connect(server: dict) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to what redis-py's `parse_url` has read from a URL."""
    if "path" in server:
        return await asyncio.open_unix_connection(server["path"])
    context = None
    if server.get("connection_class") is SSLConnection:
        context = ssl.create_default_context(cafile=server.get("ssl_ca_certs"))
        context.check_hostname = server.get("ssl_check_hostname", True) and server.get("ssl_cert_reqs") != "none"
        if server.get("ssl_cert_reqs") == "none":
            context.verify_mode = ssl.CERT_NONE
        if server.get("ssl_certfile"):
            context.load_cert_chain(server["ssl_certfile"], server.get("ssl_keyfile"))
    return await asyncio.open_connection(server.get("host", "localhost"), server.get("port", 6379), ssl=context)


class _Link:
    """One connection through the proxy: what the client sends, what it gets, and which reply it does not."""

    def __init__(self, proxy: Proxy):
        self._proxy = proxy
        self._commands = hiredis.Reader(notEnoughData=INCOMPLETE)
        self._replies = hiredis.Reader(notEnoughData=INCOMPLETE)
        self._awaited: deque[bool] = deque()  # for each command without a reply yet: is the reply to be lost?
        self._subscribed = False

    async def carry(self, reader, writer, server_reader, server_writer) -> None:
        """Carry bytes both ways until one side has ended the connection."""
        ways = [
            asyncio.create_task(self._one_way(reader, server_writer, self._request)),
            asyncio.create_task(self._one_way(server_reader, writer, self._reply)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _one_way(self, reader, writer, inspect: Callable[[bytes], tuple[bytes, bool]]) -> None:
        """Carry bytes one way, each `delay` seconds after it came, until the connection ends."""
        on_the_way: asyncio.Queue[tuple[float, bytes, bool]] = asyncio.Queue()
        delivery = asyncio.create_task(self._deliver(on_the_way, writer))
        try:
            last = False
            while not last:
                data = await reader.read(1 << 16)
                passed, last = inspect(data) if data else (b"", True)
                on_the_way.put_nowait((time.monotonic() + self._proxy.delay, passed, last))
            await delivery
        except OSError:  # the other side has gone
            pass
        finally:
            delivery.cancel()
            await asyncio.gather(delivery, return_exceptions=True)

    async def _deliver(self, on_the_way: asyncio.Queue, writer: asyncio.StreamWriter) -> None:
        last = False
        while not last:
            due, data, last = await on_the_way.get()
            if (left := due - time.monotonic()) > 0:
                await asyncio.sleep(left)
            writer.write(data)
            await writer.drain()

    def _request(self, data: bytes) -> tuple[bytes, bool]:
        self._commands.feed(data)
        while (command := self._commands.gets()) is not INCOMPLETE:
            name = command[0].upper()
            self._subscribed = self._subscribed or name in SUBSCRIBE
            self._awaited.append(not self._subscribed and self._proxy._loses(name))
        return data, False

    def _reply(self, data: bytes) -> tuple[bytes, bool]:
        """The part of the data to pass on, and whether the connection ends behind it."""
        if True not in self._awaited:
            self._replies.feed(data)
            while self._next_is_lost() is not None:
                pass
            return data, False
        passed = bytearray()
        for position in range(len(data)):  # byte by byte, since the parser does not say where a reply ends
            if self._awaited and not self._awaited[0]:
                passed.append(data[position])
            self._replies.feed(data[position : position + 1])
            if self._next_is_lost():
                self._proxy.lost += 1
                return bytes(passed), True
        return bytes(passed), False

    def _next_is_lost(self) -> bool | None:
        """Whether the reply that is now complete is to be lost; None when none is complete."""
        while (reply := self._replies.gets()) is not INCOMPLETE:
            if not isinstance(reply, hiredis.PushNotification):  # that answers no command
                return self._awaited.popleft() if self._awaited else False
        return None


def _shut_down(sock) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
