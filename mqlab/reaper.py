"""Nothing outlives its kernel: one tiny process that cleans up when the kernel is gone, however it went.

A kernel killed with SIGKILL runs no `finally` and no `atexit`. So the first server or worker it starts also
starts this file as a process of its own. That reads a pipe whose write end only the kernel holds; the
operating system closes it when the kernel ends, and the reader then ends the processes, removes the
directories and unlinks the keys that are still registered. A normal exit goes the same way: there is one way
of cleaning up, and every run uses it.

Only the standard library is imported here, and a client only where something on an external server is to go.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

# What can be registered: ("process", pid), a process that leads its own group; ("directory", path);
# ("keys", url, prefix), the keys of one user on a server that others use too; ("topics", settings as JSON, prefix), the
# topics of one user on a Kafka cluster that others use too.
_registered: dict[tuple, None] = {}
_pipe: int | None = None  # the write end
_process: subprocess.Popen | None = None
_lock = threading.Lock()


def register(kind: str, *value) -> None:
    """Have this cleaned up when the kernel ends."""
    with _lock:
        _registered[kind, *value] = None
        _send("register", kind, *value)


def unregister(kind: str, *value) -> None:
    """It is cleaned up. A process that was waited for must be unregistered: its pid may be reused."""
    with _lock:
        if _registered.pop((kind, *value), 0) is None:
            _send("unregister", kind, *value)


def _send(*order) -> None:
    try:
        if _pipe is not None:
            os.write(_pipe, _line(*order))  # under 4,096 bytes a write to a pipe is never split
            return
    except BrokenPipeError:  # somebody ended the reader: start another
        os.close(_pipe)
    _start()


def _line(*order) -> bytes:
    return json.dumps(order).encode() + b"\n"


def _start() -> None:
    global _pipe, _process
    read_end, _pipe = os.pipe()  # closed on exec, as all of Python's: no program started later holds the write end
    _process = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, json.dumps(sys.path)],  # quick: no site-packages until needed
        stdin=read_end,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # a Ctrl-C in the terminal, or Jupyter's interrupt, does not reach it
    )
    os.close(read_end)
    for entry in _registered:
        os.write(_pipe, _line("register", *entry))


def _forget_in_child() -> None:
    """In a forked child: close the inherited write end, else the child would keep everything alive."""
    global _pipe, _process, _lock
    _lock = threading.Lock()  # another thread of the parent may have held it
    if _pipe is not None:
        os.close(_pipe)
        _process.returncode = 0  # it is the parent's to wait for
    _pipe = _process = None
    _registered.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing is forked
    os.register_at_fork(after_in_child=_forget_in_child)


@atexit.register
def _finish() -> None:
    if _pipe is not None:
        os.close(_pipe)
        with contextlib.suppress(subprocess.TimeoutExpired):
            _process.wait(timeout=10)


# ---------------------------------------------------------------- what the reader does, in its own process


def kill_group(pid: int) -> None:
    """SIGKILL the process `pid` and those it started. It ends stopped (SIGSTOP) processes as well."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says EPERM for a group of zombies
        os.killpg(pid, signal.SIGKILL)


def remove_directory(path: str) -> None:
    """Remove it, also while a process that was just killed finishes a last system call in it."""
    for _ in range(100):
        shutil.rmtree(path, ignore_errors=True)
        if not os.path.exists(path):
            return
        time.sleep(0.02)


def unlink_keys(client, prefix: str) -> None:
    """Unlink the keys that start with `prefix` and no others, by SCAN, which does not hold up other users."""
    pattern = re.sub(r"([*?\[\]\\])", r"\\\1", prefix) + "*"
    batch = []
    for key in client.scan_iter(match=pattern, count=1000):
        batch.append(key)
        if len(batch) == 500:
            client.unlink(*batch)
            batch.clear()
    if batch:
        client.unlink(*batch)


def _watch(lines) -> None:
    left: dict[tuple, None] = {}
    for line in lines:  # ends when the kernel is gone
        order, *entry = json.loads(line)
        if order == "register":
            left[tuple(entry)] = None
        else:
            left.pop(tuple(entry), None)
    for kind, *value in sorted(left, key=lambda entry: ("process", "directory", "keys", "topics").index(entry[0])):
        if kind == "process":
            kill_group(*value)
        elif kind == "directory":
            remove_directory(*value)
        elif kind == "topics":
            with contextlib.suppress(Exception):  # as below
                from mqlab import kafka_external

                kafka_external.remove(json.loads(value[0]), value[1])
        else:
            with contextlib.suppress(Exception):  # the server may be gone; nobody is left to be told
                import redis

                url, prefix = value
                unlink_keys(redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5), prefix)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.path += json.loads(sys.argv[1])
    _watch(sys.stdin)
