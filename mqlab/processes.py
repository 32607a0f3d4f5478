"""Worker *processes* that a lesson starts, watches and kills.

    def email_worker(url: str, queue: str) -> None:     # shown in the lesson
        import redis                                    # a process shares nothing: it imports what it needs
        ...

    with Worker(email_worker, broker.url, queue) as worker:
        worker.wait_for("ready")
        worker.kill()                                   # a real SIGKILL

The function's source is written to a file, which an interpreter of its own runs, on every platform alike. Nothing is
forked and nothing is pickled: what the lesson shows is all that runs.
"""

from __future__ import annotations

import builtins
import dis
import inspect
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType

from mqlab import reaper


class WorkerError(RuntimeError):
    """A worker cannot start, ended, or did not do what was waited for. One line: the cause and the next step."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this: a notebook shows the line, not our code
        return [f"WorkerError: {self}"]


class Worker:
    """One process that runs `function(*arguments)`; started at once, ended by `kill`, `stop` or the `with` block.

    The arguments are JSON values. Raises TypeError for other arguments and WorkerError for a function that cannot run
    in a process of its own.
    """

    def __init__(self, function: Callable, *arguments):
        self.name = getattr(function, "__name__", str(function))
        program = _program(function, arguments)
        self._directory = tempfile.mkdtemp(prefix="mqlab-worker-")  # readable by this user only: the URL is in it
        reaper.register("directory", self._directory)
        self._texts: dict[str, str] | None = None  # kept when the directory is gone
        self._home = os.getpid()
        file = Path(self._directory, f"{self.name}.py")
        file.write_text(program, encoding="utf-8")
        with self._file("out").open("wb") as out, self._file("err").open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-P", str(file)],  # -P: a worker named `redis` must not hide the library
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, "PYTHONIOENCODING": "utf-8"},
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
        if self._process.returncode is None and self._process.poll() is not None:
            reaper.kill_group(self.pid)  # what it started itself and left behind
            reaper.unregister("process", self.pid)
        return self._process.returncode

    @property
    def alive(self) -> bool:
        """Paused counts as alive."""
        return self.returncode is None

    def output(self) -> str:
        """What it printed so far."""
        return self._text("out")

    def errors(self) -> str:
        """What it wrote to stderr so far, e.g. its traceback."""
        return self._text("err")

    def wait_for(self, pattern: str, timeout: float = 10) -> re.Match:
        """Wait until what it printed matches the regular expression, and return the match.

        timeout: in seconds. Raises WorkerError when time is up or the process has ended without it.
        """
        deadline = time.monotonic() + timeout
        while True:
            ended = not self.alive  # asked before reading: what it printed last is then there to be read
            if match := re.search(pattern, self.output(), re.MULTILINE):
                return match
            if ended:
                raise WorkerError(f"{self.name} ended with code {self.returncode} before {pattern!r}; {self._last()}")
            if time.monotonic() > deadline:
                raise WorkerError(f"{self.name} did not print {pattern!r} within {timeout:g} s; {self._last()}")
            time.sleep(0.005)

    def wait(self, timeout: float = 10) -> int:
        """Wait until it ends by itself and return its code. Raises WorkerError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.alive:
            if time.monotonic() > deadline:
                raise WorkerError(f"{self.name} still runs after {timeout:g} s; {self._last()}")
            time.sleep(0.005)
        return self.returncode

    # ------------------------------------------------------------ faults, and the end

    def pause(self) -> None:
        """SIGSTOP: like a long garbage collection, it does not know that time passes."""
        self._signal(signal.SIGSTOP, "pause")

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT, "resume")

    def kill(self) -> int:
        """SIGKILL it (and what it started) and wait for its end. Returns its code, -9 if it was running."""
        if self.alive:
            reaper.kill_group(self.pid)
            self._process.wait()
            reaper.unregister("process", self.pid)
        return self.returncode

    def stop(self, timeout: float = 5) -> int:
        """SIGTERM it and wait; SIGKILL it after `timeout` seconds, and say so. Returns its code."""
        if self.alive:
            self._signal(signal.SIGTERM, "stop")
            self._signal(signal.SIGCONT, "stop")  # a paused one would never see the SIGTERM
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                print(f"{self.name} did not end within {timeout:g} s of SIGTERM, so it was killed (SIGKILL).")
            reaper.kill_group(self.pid)
            self._process.wait()
            reaper.unregister("process", self.pid)
        return self.returncode

    def close(self) -> None:
        """End it and remove its files. output() and errors() still answer. Does nothing in a forked child."""
        if self._home != os.getpid() or self._texts is not None:
            return
        self.kill()
        self._texts = {name: self._text(name) for name in ("out", "err")}
        reaper.remove_directory(self._directory)
        reaper.unregister("directory", self._directory)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def __repr__(self) -> str:  # without the arguments: a URL holds a password
        return f"<Worker {self.name}: {'running' if self.alive else f'ended with code {self.returncode}'}>"

    def _signal(self, number: signal.Signals, what: str) -> None:
        if not self.alive:
            raise WorkerError(f"{self.name} ended with code {self.returncode}, so it cannot {what}; {self._last()}")
        os.kill(self.pid, number)

    def _file(self, name: str) -> Path:
        return Path(self._directory, f"std{name}.txt")

    def _text(self, name: str) -> str:
        if self._texts is not None:
            return self._texts[name]
        return self._file(name).read_text(encoding="utf-8", errors="replace")

    def _last(self) -> str:
        """The last lines it wrote, as one line: its traceback's end if it has one."""
        lines = (self.errors().strip() or self.output().strip()).splitlines()[-3:]
        return "it wrote nothing" if not lines else "it last wrote: " + " | ".join(line.strip() for line in lines)


class Workers(Sequence):
    """Several workers of one kind, e.g. `with Workers(3, email_worker, broker.url, queue) as crew: crew[0].kill()`."""

    def __init__(self, count: int, function: Callable, *arguments):
        self._workers: list[Worker] = []
        try:
            for _ in range(count):
                self._workers.append(Worker(function, *arguments))
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
        """Wait until every one of them has printed it; `timeout` seconds in all."""
        deadline = time.monotonic() + timeout
        return [worker.wait_for(pattern, max(0, deadline - time.monotonic())) for worker in self]

    def kill(self) -> list[int]:
        """SIGKILL all of them."""
        return [worker.kill() for worker in self]

    def stop(self, timeout: float = 5) -> list[int]:
        """SIGTERM all of them at once, then wait as Worker.stop does."""
        for worker in self:
            if worker.alive:
                os.kill(worker.pid, signal.SIGTERM)
        return [worker.stop(timeout) for worker in self]

    def close(self) -> None:
        for worker in self:
            worker.close()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception) -> None:
        self.close()


# ---------------------------------------------------------------- from a function to a program


def _program(function: Callable, arguments: tuple) -> str:
    """The text of a program that calls the function with the arguments."""
    values = ", ".join(repr(_plain(value, f"argument {n}")) for n, value in enumerate(arguments, start=1))
    source = _source(function)
    call = f"{function.__name__}({values})"
    if inspect.iscoroutinefunction(function):
        call = f"__import__('asyncio').run({call})"
    # annotations stay text: the names in them may be known in the notebook only
    return f'from __future__ import annotations\n\n\n{source}\n\nif __name__ == "__main__":\n    {call}\n'


def _source(function: Callable) -> str:
    name = getattr(function, "__name__", repr(function))
    if not inspect.isfunction(function) or name == "<lambda>":
        raise WorkerError(f"{name} is not a plain function. Give Worker a function that is defined with `def`.")
    inner = inspect.unwrap(function)
    code = inner.__code__
    if code.co_freevars:
        raise WorkerError(f"{name} uses {_listed(code.co_freevars)} of the function around it. Pass it as an argument.")
    foreign = _global_names(code) - vars(builtins).keys() - {name, "__name__", "__file__"}
    if foreign:
        raise WorkerError(
            f"{name} uses {_listed(foreign)} from outside itself, but a process shares nothing with the notebook. "
            "Import or define it inside the function, or pass it as an argument."
        )
    try:
        return textwrap.dedent(inspect.getsource(inner))
    except (OSError, TypeError):
        raise WorkerError(
            f"The source of {name} cannot be found. Define it in a notebook cell or a file, not by exec or at a prompt."
        ) from None


def _global_names(code: CodeType) -> set[str]:
    """The names that the function, or one inside it, looks up outside itself, less those it defines by `global`."""
    used, made = set(), set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            used.add(instruction.argval)
        elif instruction.opname == "STORE_GLOBAL":
            made.add(instruction.argval)
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set().union(used, *map(_global_names, inner)) - made


def _listed(names) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _plain(value, where: str):
    """The same value built of plain JSON types only, or TypeError."""
    if value is None or type(value) in (str, int, bool):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is list:
        return [_plain(item, f"{where}[{n}]") for n, item in enumerate(value)]
    if type(value) is dict and all(type(key) is str for key in value):
        return {key: _plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    raise TypeError(
        f"{where} of a worker is a {type(value).__name__}; a process takes JSON values only: "
        "str, int, finite float, bool, None, and lists and dicts (with str keys) of them."
    )
