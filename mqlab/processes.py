"""Worker *processes* that a lesson starts, watches and kills.

    def email_worker(url: str, queue: str) -> None:     # shown in the lesson
        import redis                                    # a process shares nothing: it imports what it needs
        ...

    with Worker(email_worker, broker.url, queue) as worker:
        worker.wait_for("ready")
        worker.kill()                                   # a real SIGKILL

None is left behind, however the kernel ends (see reaper.py).
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

from mqlab import reaper
from mqlab.program import WorkerError, program

__all__ = ["Worker", "WorkerError", "Workers"]


class Worker:
    """A process that runs `function(*arguments)`, until `kill`, `stop` or the end of the `with` block.

    The arguments are JSON values. share: modules and functions that the function uses by their global names.
    Raises TypeError for other arguments, and WorkerError for a function that cannot run in a process of its own.
    """

    def __init__(self, function: Callable, *arguments, share: Iterable[ModuleType | Callable] = ()):
        text = program(function, arguments, share)
        self.name = function.__name__
        self._home = os.getpid()
        self._asked = False  # to stop
        self._texts: dict[str, str] | None = None  # kept when the directory is gone
        self._directory = tempfile.mkdtemp(prefix="mqlab-worker-")  # only this user reads it: a URL may be in it
        reaper.register("directory", self._directory)
        Path(self._directory, f"{self.name}.py").write_text(text, encoding="utf-8")
        with self._file("out").open("wb") as out, self._file("err").open("wb") as err:
            self._process = subprocess.Popen(
                # -P: a worker whose name is that of a library must not hide it
                [sys.executable, "-u", "-P", str(Path(self._directory, f"{self.name}.py"))],
                stdin=subprocess.DEVNULL,
                stdout=out,  # files, not pipes: a worker is never held up because nobody reads
                stderr=err,
                # TMPDIR: what a killed one leaves in its temporary directory goes with its own
                env={**os.environ, "PYTHONIOENCODING": "utf-8", "TMPDIR": self._directory},
                start_new_session=True,  # Jupyter's interrupt stops the cell, not the worker
            )
        reaper.register("process", self._process.pid)

    # ------------------------------------------------------------ watch

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative for the signal that ended it, e.g. -9."""
        if self._process.returncode is None and self._home == os.getpid():  # a forked child cannot wait for it
            if self._process.poll() is not None:
                reaper.kill_group(self.pid)  # what it started itself and left behind
                reaper.unregister("process", self.pid)
        return self._process.returncode

    @property
    def alive(self) -> bool:
        """Whether it has not ended. A paused one is alive."""
        return self.returncode is None

    def output(self) -> str:
        """What it printed so far."""
        return self._text("out")

    def errors(self) -> str:
        """What it wrote to stderr so far, e.g. a traceback."""
        return self._text("err")

    def wait_for(self, pattern: str, timeout: float = 10) -> re.Match:
        """Wait until what it printed matches the regular expression (^ and $: of a line); return the match.

        timeout: seconds. Raises WorkerError when the time is up, or the process has ended without a match.
        """
        deadline = time.monotonic() + timeout
        while True:
            ended = not self.alive  # asked before reading, so that what it printed last is there
            if match := re.search(pattern, self.output(), re.MULTILINE):
                return match
            if ended:
                raise WorkerError(f"{self._ended()} before it printed {pattern!r}; {self._wrote()}")
            if time.monotonic() > deadline:
                raise WorkerError(f"{self.name} did not print {pattern!r} within {timeout:g} s; {self._wrote()}")
            time.sleep(0.005)

    def wait(self, timeout: float = 10) -> int:
        """Wait until it ends by itself; return its code. Raises WorkerError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.alive:
            if time.monotonic() > deadline:
                raise WorkerError(f"{self.name} still runs after {timeout:g} s; {self._wrote()}")
            time.sleep(0.005)
        return self.returncode

    # ------------------------------------------------------------ faults, and the end

    def pause(self) -> None:
        """SIGSTOP: as in a long garbage collection, it does not notice that time passes."""
        self._signal(signal.SIGSTOP, "paused")

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT, "resumed")

    def kill(self) -> int:
        """SIGKILL it, and what it started; wait for the end. Returns its code: -9, if it was running."""
        self._check_home()
        if self.alive:
            reaper.kill_group(self.pid)
            self._process.wait()
            reaper.unregister("process", self.pid)
        return self.returncode

    def stop(self, timeout: float = 5) -> int:
        """SIGTERM it and wait; after `timeout` seconds SIGKILL it, and say so. Returns its code."""
        self.ask_to_stop()
        if self.alive:
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                print(f"{self.name} did not end within {timeout:g} s of SIGTERM, so it was killed with SIGKILL.")
            reaper.kill_group(self.pid)
            self._process.wait()
            reaper.unregister("process", self.pid)
        return self.returncode

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting for what comes of it; only once, however often it is asked."""
        self._check_home()
        if self.alive and not self._asked:
            self._asked = True
            os.kill(self.pid, signal.SIGTERM)
            os.kill(self.pid, signal.SIGCONT)  # a paused one would never get to see it

    def close(self) -> None:
        """End it and remove its files; output() and errors() still answer. Does nothing in a forked child."""
        if self._home == os.getpid() and self._texts is None:
            self.kill()
            self._texts = {name: self._text(name) for name in ("out", "err")}
            reaper.remove_directory(self._directory)
            reaper.unregister("directory", self._directory)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def __repr__(self) -> str:  # without the arguments: a URL holds a password
        return f"<Worker {f'{self.name} runs' if self.alive else self._ended()}>"

    # ------------------------------------------------------------

    def _signal(self, number: signal.Signals, done: str) -> None:
        if not self.alive:
            raise WorkerError(f"{self._ended()}, so it cannot be {done}; {self._wrote()}")
        os.kill(self.pid, number)

    def _check_home(self) -> None:
        if self._home != os.getpid():
            raise WorkerError(f"Only the process that started {self.name} can wait for its end. Do it there.")

    def _ended(self) -> str:
        return f"{self.name} ended with code {self.returncode}"

    def _wrote(self) -> str:
        """The last lines it wrote, in one line; of a traceback the last say what happened."""
        lines = (self.errors().strip() or self.output().strip()).splitlines()
        lines = [line.strip() for line in lines if line.strip(" ^~")][-3:]
        return "it last wrote: " + " | ".join(lines) if lines else "it wrote nothing"

    def _file(self, name: str) -> Path:
        return Path(self._directory, f"std{name}.txt")

    def _text(self, name: str) -> str:
        if self._texts is not None:
            return self._texts[name]
        return self._file(name).read_text(encoding="utf-8", errors="replace")


class Workers(Sequence):
    """Several of one kind: `with Workers(3, email_worker, broker.url, queue) as crew: crew[0].kill()`."""

    def __init__(self, count: int, function: Callable, *arguments, share: Sequence[ModuleType | Callable] = ()):
        self._workers: list[Worker] = []
        try:
            for _ in range(count):
                self._workers.append(Worker(function, *arguments, share=share))
        except BaseException:
            self.close()
            raise

    def __getitem__(self, index):
        return self._workers[index]

    def __len__(self) -> int:
        return len(self._workers)

    def __iter__(self) -> Iterator[Worker]:
        return iter(self._workers)

    def wait_for(self, pattern: str, timeout: float = 10) -> list[re.Match]:
        """Wait until each of them has printed it; `timeout` seconds in all."""
        deadline = time.monotonic() + timeout
        return [worker.wait_for(pattern, max(0, deadline - time.monotonic())) for worker in self]

    def kill(self) -> list[int]:
        """SIGKILL all of them."""
        return [worker.kill() for worker in self]

    def stop(self, timeout: float = 5) -> list[int]:
        """SIGTERM all of them at once, then wait as Worker.stop does."""
        for worker in self:
            worker.ask_to_stop()
        return [worker.stop(timeout) for worker in self]

    def close(self) -> None:
        for worker in self:
            worker.close()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception) -> None:
        self.close()
