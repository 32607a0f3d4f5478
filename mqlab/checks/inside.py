"""What the forked child of a check is: its own session, bounded memory, files and output, no input."""

from __future__ import annotations

import asyncio
import builtins
import faulthandler
import io
import json
import mmap
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable

from mqlab.checks import traced

MEMORY = 512 << 20  # bytes it may allocate beyond what the kernel had (where the platform can limit it)
FILE_SIZE = 64 << 20  # bytes of the largest file it may write
KEPT = 64 << 10  # bytes of output that are kept
TELL_WHERE = signal.SIGUSR1  # makes it write the lines it is at into `dump`


def be_the_child(body: Callable[[], dict], token: bytes, go: int, report: int, output: int, dump, note: mmap.mmap):
    """Once there is a byte to read from `go`, run `body` and write token, length and its value as JSON to `report`.

    Never returns: it ends the process.
    """
    me, code = os.getpid(), 70
    try:
        os.setsid()  # a group of its own: the kernel's interrupt does not reach it, and all of it can be killed
        if not os.read(go, 1):  # the kernel was killed before it could register us
            return
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        faulthandler.register(TELL_WHERE, file=dump, all_threads=True)
        faulthandler.enable(file=dump)  # a segmentation fault leaves its lines there, too
        asyncio._set_running_loop(None)  # the kernel's event loop does not run here
        _redirect(output)
        sys.unraisablehook = _forget_the_dead
        traced.note = _noter(note)
        _limit()
        message = json.dumps(body()).encode()
        if os.getpid() == me:  # code under test that forked and returned twice: only the first is the child
            _write_all(report, token + struct.pack(">I", len(message)) + message)
            code = 0
    finally:
        os._exit(code)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _noter(note: mmap.mmap):
    """What writes into `note`, for the parent to read: is a reply awaited; a count; how long; the (last) command."""
    count = 0

    def write(text: str) -> None:
        nonlocal count
        count = (count + 1) % 256
        if text:
            data = text.encode(errors="replace")[:200]
            note[: len(data) + 3] = bytes([1, count, len(data)]) + data
        else:
            note[:2] = bytes([0, count])

    return write


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    _lower(resource.RLIMIT_FSIZE, FILE_SIZE)
    if sys.platform == "linux":
        # RLIMIT_DATA, not RLIMIT_AS: it counts what can be written to, not the address space that every thread's
        # arena reserves (32 threads on a large machine reserve gigabytes and use none of it). macOS enforces neither.
        with open("/proc/self/statm") as file:
            now = int(file.read().split()[5]) * resource.getpagesize()
        _lower(resource.RLIMIT_DATA, now + MEMORY)


def _lower(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    resource.setrlimit(which, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def unlimit_memory() -> None:
    """Before a report is made: it needs a little memory, also when the code under test took all there was."""
    if sys.platform == "linux":
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _redirect(output: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdin = open(os.devnull)  # noqa: SIM115 — for as long as the process lives
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = _Output()
    builtins.input = _no_input


def _forget_the_dead(unraisable, report=sys.unraisablehook) -> None:
    """A dead process runs no destructors: that one of them met the simulated crash is no news for the learner."""
    if getattr(unraisable.exc_type, "__name__", "") != "SimulatedCrash":
        report(unraisable)


def _no_input(prompt="") -> str:
    raise RuntimeError("input() cannot be answered while a check runs")


class _Output(io.TextIOBase):
    """Writes to descriptor 1 at once, and drops what is beyond the part that is kept."""

    encoding = "utf-8"

    def __init__(self):
        self._left = KEPT

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def write(self, text: str) -> int:
        if self._left > 0:
            data = text.encode("utf-8", "replace")[: self._left]
            self._left -= len(data)
            _write_all(1, data)
        return len(text)
