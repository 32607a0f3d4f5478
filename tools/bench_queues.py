"""The task queue of lesson 04 beside those one would use instead: what is run for `make bench`, and how it is timed.

The lesson's code is taken from its notebook. The libraries run in tools/bench_libraries.py, those that are no part of
the course in environments of their own in .bench/. All use one private broker, emptied between two runs, with the
durability that every lesson has.
"""

from __future__ import annotations

import ast
import json
import linecache
import os
import shutil
import statistics
import subprocess
import symtable
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pandas as pd
import redis

from mqlab import load, reaper
from mqlab.broker import Broker
from mqlab.processes import Worker
from tools.bench_libraries import GROUP, QUEUE, drawer

ROOT = Path(__file__).resolve().parents[1]
LESSON = ROOT / "notebooks" / "04-task-queues.ipynb"
LIBRARIES = ROOT / "tools" / "bench_libraries.py"
FOLDER = ROOT / ".bench"  # ignored by git
KINDS = ("no-op", "computing", "waiting")
MEASURED = (*KINDS, "enqueued", "cpu_us")
# environment ("" is the course's): {library: module that must be there}
ENVIRONMENTS = {
    "": {"celery": "celery", "dramatiq": "dramatiq", "rq": "rq"},
    "arq": {"arq": "arq"},
    "taskiq": {"huey": "huey", "taskiq": "taskiq_redis"},
}


@dataclass
class Case:
    """A row. library: of bench_libraries.py; the lesson's own worker functions for the others, by their name.

    counts: jobs of each kind a run. at_least_once: whether a job survives the SIGKILL of its worker.
    """

    name: str
    library: str = ""
    worker: str = ""
    settings: dict = field(default_factory=dict)
    counts: tuple[int, int, int] = (600, 200, 200)
    at_least_once: str = "yes"


QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
CASES = [
    Case("bare redis-py, 64 a read", worker="bare", counts=(2500, 250, 250), at_least_once="no lease"),
    Case("lesson 04, by batches", worker="our_worker", settings={"most": 64}, counts=(2500, 250, 250)),
    Case("lesson 04, one by one", worker="our_worker", settings={"most": 1}, counts=(1000, 200, 200)),
    Case("Celery, acks_late, solo", "celery", settings={"conf": {}, "options": []}, counts=(500, 150, 150)),
    Case(
        "  prefetch 64, no gossip, no remote control",
        "celery",
        settings={
            "conf": {"worker_prefetch_multiplier": 64, "worker_enable_remote_control": False},
            "options": QUIET,
        },
        counts=(500, 150, 150),
    ),
    Case("Dramatiq, 1 thread", "dramatiq", settings={"threads": 1, "prefetch": 0}, counts=(200, 80, 80)),
    Case("  8 threads, prefetch 64", "dramatiq", settings={"threads": 8, "prefetch": 64}, counts=(500, 150, 150)),
    Case("RQ SimpleWorker, Retry", "rq", settings={"tuned": False}, counts=(150, 60, 60)),
    Case("  JSON, enqueue_many, no results", "rq", settings={"tuned": True}, counts=(150, 60, 60)),
    Case(
        "Huey, 1 thread",
        "huey",
        settings={"results": True, "threads": 1, "periodic": True},
        counts=(1000, 200, 200),
        at_least_once="no",
    ),
    Case(
        "  4 threads, no results, no periodic tasks",
        "huey",
        settings={"results": False, "threads": 4, "periodic": False},
        counts=(1000, 200, 200),
        at_least_once="no",
    ),
    Case("arq", "arq", counts=(200, 80, 80)),
    Case(
        "  polls every 10 ms, 50 jobs at once, no results",
        "arq",
        settings={"poll_delay": 0.01, "max_jobs": 50, "queue_read_limit": 1000, "keep_result": 0},
        counts=(500, 150, 150),
    ),
    Case("taskiq-redis, streams", "taskiq", settings={"broker": {}, "receiver": {}}),
    Case(
        "  reads of 1,000, prefetch 1,000",
        "taskiq",
        settings={"broker": {"xread_count": 1000}, "receiver": {"max_prefetch": 1000}},
    ),
]
BARE, BATCHES, ONE_BY_ONE = (case.name for case in CASES[:3])


# ------------------------------------------------------------ the lesson's own code


def lesson_code(*wanted: str, path: Path = LESSON) -> dict:
    """The functions and constants of a lesson by name, with the imports, functions and constants that they use.

    Nothing else of the notebook runs: no experiment, no broker. `inspect.getsource` finds what comes out.
    Raises LookupError for a name that the lesson does not define.
    """
    defined = {}  # name -> (cell, statement)
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    for number, source in enumerate(cells):
        for statement in ast.parse(source).body:
            for name in _names(statement):
                defined[name] = number, statement
    used, ask = {}, list(wanted)
    while ask:
        name = ask.pop()
        if name in defined and name not in used:
            used[name] = defined[name]
            ask += _outer_names(symtable.symtable(ast.unparse(defined[name][1]), name, "exec"))
    if missing := [name for name in wanted if name not in used]:
        raise LookupError(f"{path.name} does not define {', '.join(missing)}; adapt tools/bench_queues.py to it.")
    namespace = {"__name__": path.stem}
    for number, source in enumerate(cells):
        body = [statement for statement in ast.parse(source).body if _names(statement) & used.keys()]
        file = f"{path.name}[{number}]"
        linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
        exec(compile(ast.Module(body, []), file, "exec"), namespace)
    return namespace


def _names(statement: ast.stmt) -> set[str]:
    """What an import, a function, a class or a constant (in capitals) defines."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Assign):
        names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id.isupper()}
        targets = {node.id for target in statement.targets for node in ast.walk(target) if isinstance(node, ast.Name)}
        return targets if targets <= names else set()
    return set()


def _outer_names(table: symtable.SymbolTable) -> list[str]:
    """The names that a statement, or a function in it, looks up outside functions."""
    own = [s.get_name() for s in table.get_symbols() if s.is_global() or table.get_type() == "module"]
    return own + [name for child in table.get_children() for name in _outer_names(child)]


# ------------------------------------------------------------ the other environments


def other_python(name: str) -> Path:
    """The Python of .bench/<name>, which is made from tools/bench-<name>.txt when it is missing or out of date.

    Raises RuntimeError, one line, where it cannot be made.
    """
    venv, wanted = FOLDER / name, (ROOT / "tools" / f"bench-{name}.txt").read_text(encoding="utf-8")
    python, stamp = venv / "bin" / "python", venv / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"Making an environment in .bench/{name}, this once.", flush=True)
    shutil.rmtree(venv, ignore_errors=True)
    uv = shutil.which("uv") and subprocess.run(["uv", "--version"], capture_output=True).returncode == 0
    make = ["uv", "venv", "--quiet", "--python", sys.executable] if uv else [sys.executable, "-m", "venv"]
    install = ["uv", "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    for line in ([*make, venv], [*install, "--quiet", "-r", ROOT / "tools" / f"bench-{name}.txt"]):
        done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f".bench/{name} cannot be made: {last_line(done.stderr)}")
    stamp.write_text(wanted)
    return python


def pythons() -> tuple[dict[str, str], list[str]]:
    """By which Python each library is run, and one line for each that is missing."""
    found, lines = {}, []
    for name, modules in ENVIRONMENTS.items():
        try:
            python = str(other_python(name)) if name else sys.executable
        except RuntimeError as error:
            lines.append(f"{error}. The rows of {' and '.join(modules)} are left out.")
            continue
        for library, module in modules.items():
            if subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0:
                found[library] = python
            else:
                where = f".bench/{name}" if name else "the course's environment"
                lines.append(f"{library}: `import {module}` fails in {where}; its rows are left out.")
    return found, lines


# ------------------------------------------------------------ one run


def measure(case: Case, broker: Broker, python: str = sys.executable, share: float = 1) -> dict[str, float]:
    """One producer, then one worker process: {kind: jobs/s worked off, "enqueued": jobs/s, "cpu_us": µs a no-op job}.

    share: of the case's number of jobs. The time runs from the first to the last job of a kind that was done.
    Raises RuntimeError or WorkerError when the jobs are not done within a minute.
    """
    counts = {kind: max(2, int(count * share)) for kind, count in zip(KINDS, case.counts, strict=True)}
    r = broker.client()
    r.flushall()
    run = _by_lesson if case.worker else _by_library
    with run(case, broker, counts, python) as (enqueued, ended):

        def done() -> bool:
            if why := ended():
                raise RuntimeError(f"its worker ended: {why}")
            return all(r.llen(f"bench:{kind}") >= count for kind, count in counts.items())

        load.wait_until(done, what=f"{sum(counts.values())} jobs", every=0.03, timeout=60)
    found = {"enqueued": enqueued}
    for kind, count in counts.items():
        times, cpu = zip(*(map(float, row.split()) for row in r.lrange(f"bench:{kind}", 0, -1)), strict=True)
        found[kind] = (count - 1) / (max(times) - min(times))
        if kind == "no-op":
            found["cpu_us"] = (max(cpu) - min(cpu)) / (count - 1) * 1e6
    return found


@contextmanager
def _by_lesson(case: Case, broker: Broker, counts: dict[str, int], python: str) -> Iterator[tuple]:
    code = lesson_code("QUEUE", "encode", "enqueue", case.worker)
    r = broker.client()
    r.xgroup_create(QUEUE, GROUP, "0", mkstream=True)
    kinds = [kind for kind, count in counts.items() for _ in range(count)]
    began = time.perf_counter()
    code["enqueue"](r, QUEUE, [code["encode"]("draw", [kind]) for kind in kinds])
    enqueued = len(kinds) / (time.perf_counter() - began)
    more = [30, case.settings["most"]] if case.settings else []  # lease in s, most jobs a batch
    share = [*code["QUEUE"], os, drawer]  # our job in place of the lesson's
    with Worker(code[case.worker], broker.url, QUEUE, *more, share=share) as worker:
        yield enqueued, lambda: "" if worker.alive else last_line(worker.errors())


@contextmanager
def _by_library(case: Case, broker: Broker, counts: dict[str, int], python: str) -> Iterator[tuple]:
    line = [python, str(LIBRARIES), case.library]
    what = json.dumps({"url": broker.url, "settings": case.settings, "counts": counts})
    produced = subprocess.run([*line, "produce"], input=what, capture_output=True, text=True)
    if produced.returncode:
        raise RuntimeError(f"its producer ended: {last_line(produced.stderr)}")
    with tempfile.TemporaryFile("w+") as errors:
        worker = subprocess.Popen(
            [*line, "work"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            text=True,
            start_new_session=True,  # so that whatever it starts ends with it
        )
        reaper.register("process", worker.pid)

        def ended() -> str:
            return "" if worker.poll() is None else last_line(errors.seek(0) or errors.read())

        try:
            with worker.stdin:
                worker.stdin.write(what)
            yield float(produced.stdout.splitlines()[-1]), ended
        finally:
            reaper.kill_group(worker.pid)
            worker.wait()
            reaper.unregister("process", worker.pid)


def last_line(said: str) -> str:
    """What a program said last: of a traceback, the exception."""
    return (said.strip().splitlines() or ["it gave no reason"])[-1]


# ------------------------------------------------------------ all of them


def cpu_share(wall_s: float = 0.1) -> float:
    """Which share of a CPU a busy loop gets; far below 1 where other processes compete."""
    began, used = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < wall_s:
        pass
    return (time.process_time() - used) / (time.perf_counter() - began)


def rounds(
    number: int, share: float = 1, cases: list[Case] = CASES, limit_s: float = 420
) -> tuple[pd.DataFrame, list[str]]:
    """`number` rounds over all cases, one row a run, and one line for whatever could not be run.

    No further round is begun that would end after `limit_s`: a busy machine gets fewer.
    """
    found, lines = pythons()
    runs, given_up, shares = [], set(), []
    with Broker.start(private=True) as broker:
        lines.insert(0, str(broker))
        began = time.perf_counter()
        for n in range(number):
            if n and (time.perf_counter() - began) * (n + 1) / n > limit_s:
                lines.append(f"{n} of {number} rounds: the machine is busy, and another would take too long.")
                break
            print(f"round {n + 1} of {number}", flush=True)
            for case in cases[n % len(cases) :] + cases[: n % len(cases)]:  # none is always the first
                if case.name in given_up or case.library and case.library not in found:
                    continue
                shares.append(cpu_share())
                try:
                    rates = measure(case, broker, found.get(case.library, sys.executable), share)
                except (RuntimeError, TimeoutError, redis.RedisError) as error:
                    given_up.add(case.name)
                    lines.append(f"{case.name.strip()}: left out, since {error}")
                    continue
                runs.append({"round": n, "case": case.name, **rates})
    if shares and (got := statistics.median(shares)) < 0.9:
        lines.append(f"A busy loop got {got:.0%} of a CPU: other processes compete, and the rates below say little.")
    return pd.DataFrame(runs, columns=["round", "case", *MEASURED]), lines
