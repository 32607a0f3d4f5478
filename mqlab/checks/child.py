"""Run a function in a forked child that can do no harm: bounded in time, memory and output, and killed afterwards.

Why a fork: the child has everything the notebook has (functions of earlier cells, open modules) within milliseconds,
and nothing it does, not even os._exit or a segmentation fault, reaches the kernel. Why not a thread: it cannot be
stopped. What the child does with itself is in inside.py.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import secrets
import selectors
import signal
import struct
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from mqlab import reaper
from mqlab.checks.inside import KEPT, TELL_WHERE, be_the_child


@dataclass
class Ended:
    """How the child ended. Without a report: by itself, with `status` (as of waitpid), or because the time was up."""

    report: dict | None = None
    status: int | None = None
    output: str = ""
    waiting_for: str = ""  # the broker command whose reply it waited for, or
    sending: str = ""  # the last one of those that it went on sending
    frames: list[tuple[str, int, str]] = field(default_factory=list)  # (file, line, function), innermost first


def run(body: Callable[[], dict], seconds: float) -> Ended:
    """`body()` in a child, which must return within `seconds` something that JSON can carry.

    Raises OSError when the system cannot fork, KeyboardInterrupt when the user interrupts; the child is gone then too.
    """
    with tempfile.TemporaryFile() as dump, mmap.mmap(-1, 512) as note:
        token = secrets.token_bytes(16)  # a report starts with it: stray writes to the pipe are not taken for one
        report_end, report = os.pipe()
        output_end, output = os.pipe()
        go, give_go = os.pipe()
        pid = watch = None
        try:
            with warnings.catch_warnings():
                # Python 3.12+ warns of forks in a process with threads, as a kernel is: a lock that another thread
                # holds stays locked in the child. The child uses nothing that those threads do, and has a time limit.
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
            if pid == 0:
                try:
                    os.close(give_go)
                    be_the_child(body, token, go, report, output, dump, note)
                finally:
                    os._exit(70)  # whatever happens, there must not be a second kernel
            reaper.register("process", pid)  # should the kernel be killed meanwhile, an endless loop must not stay
            os.write(give_go, b"!")
            os.close(report)
            os.close(output)
            report = output = None
            watch = _Watch(pid, token, report_end, output_end, dump, note)
            return watch.until(time.monotonic() + seconds)
        finally:
            if pid is not None:
                _end(pid, reaped=watch is not None and watch.status is not None)
                reaper.unregister("process", pid)
            for descriptor in (report_end, output_end, report, output, go, give_go):
                if descriptor is not None:
                    os.close(descriptor)


# ---------------------------------------------------------------- the parent


class _Watch:
    def __init__(self, pid, token, report_end, output_end, dump, note):
        self.pid, self.token, self.dump, self.note = pid, token, dump, note
        self.report_end, self.output_end = report_end, output_end
        self.received, self.output = b"", b""
        self.status: int | None = None  # once it ended by itself

    def until(self, deadline: float) -> Ended:
        ended = Ended()
        with selectors.DefaultSelector() as ready:
            ready.register(self.report_end, selectors.EVENT_READ, self._take_report)
            ready.register(self.output_end, selectors.EVENT_READ, self._take_output)
            while ended.report is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    self._locate(ended)
                    break
                # A pipe's end of file says nothing here: what the child itself started may still hold it.
                gone = self._ended()
                events = ready.select(0 if gone else min(left, 0.05))
                for key, _ in events:
                    if not key.data():
                        ready.unregister(key.fd)
                ended.report = self._parse()
                if gone and ended.report is None and not events:
                    ended.status, ended.frames = self.status, self._frames()
                    break
            while any(key.fd == self.output_end and key.data() for key, _ in ready.select(0)):
                if len(self.output) >= KEPT:
                    break
        ended.output = self.output.decode(errors="replace")
        return ended

    def _ended(self) -> bool:
        if self.status is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # somebody else in the kernel waited for it
                pid, status = self.pid, 0
            if pid:
                self.status = status
        return self.status is not None

    def _take_report(self) -> bytes:
        data = os.read(self.report_end, 65536)
        self.received += data
        return data

    def _take_output(self) -> bytes:
        data = os.read(self.output_end, 65536)
        self.output += data[: KEPT - len(self.output)]
        return data

    def _parse(self) -> dict | None:
        _, found, rest = self.received.partition(self.token)
        if not found or len(rest) < 4:
            return None
        size = struct.unpack(">I", rest[:4])[0]
        return json.loads(rest[4 : 4 + size]) if len(rest) >= 4 + size else None

    def _locate(self, ended: Ended) -> None:
        """Ask the child where it is: faulthandler answers from C, also while a long operation holds the interpreter."""
        first = self.note[:2]
        with suppress(ProcessLookupError):
            os.kill(self.pid, TELL_WHERE)
        size, deadline = -1, time.monotonic() + 0.5
        while time.monotonic() < deadline:
            time.sleep(0.02)
            before, size = size, os.fstat(self.dump.fileno()).st_size
            if 0 < before == size:
                break
        waits, _, length = self.note[:3]
        command = self.note[3 : 3 + length].decode(errors="replace")
        if self.note[:2] != first:
            ended.sending = command
        elif waits:
            ended.waiting_for = command
        ended.frames = self._frames()

    def _frames(self) -> list[tuple[str, int, str]]:
        self.dump.seek(0)
        text = self.dump.read(KEPT).decode(errors="replace")
        found = re.findall(r'^  File "(.*)", line (\d+) in (.*)$', text, re.MULTILINE)
        return [(file, int(line), name) for file, line, name in found]


def _end(pid: int, reaped: bool) -> None:
    """Kill the child and everything it started that is still in its process group."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        os.killpg(pid, signal.SIGKILL)
    if not reaped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)  # it may not have come to found its group yet
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
