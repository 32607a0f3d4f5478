"""The three exhaustive sweeps, and a race: how a check finds a fault of concurrency without luck.

    tried = interleave(bench, prepare, [first, second], verify)     # every order of two callers' commands
    points = crash_sweep(bench, prepare, run, recover, verify)      # killed before and after every command
    points = lost_reply_sweep(bench, prepare, run, verify)          # every reply lost once
    results = race(bench, 16, fn)                                   # threads on the real broker

The functions get a client (`redis.Redis`); `prepare(r)` sets the start state on an empty broker, once per run, and must
also reset whatever the check itself keeps in Python. `verify` raises NotYet (or fails an assert); a sweep adds the
steps that led there. Results are values, or the exception that a caller ended with: call `values(results)` where
callers must not raise. A NotImplementedError or a NotYet in a
caller, and sys.exit, pass through at once. time.sleep takes no time in a caller: what needs the clock to advance must
wait in `prepare` or `verify`.
"""

from __future__ import annotations

import heapq
import random
import threading
from collections.abc import Callable
from contextlib import suppress

from mqlab.checks.caller import Fault, Held, SimulatedCrash
from mqlab.checks.outcomes import NotYet
from mqlab.checks.stage import Stage, Stuck

__all__ = ["SimulatedCrash", "Tried", "crash_sweep", "interleave", "lost_reply_sweep", "race", "values"]

MORE_AFTER_A_FAILURE = 250  # further interleavings looked at, once one failed, for a shorter one


class Tried(int):
    """How many were tried; `complete`: whether that was all there are. As text: "6 interleavings of two callers"."""

    def __new__(cls, count: int, one: str, many: str, of: str = "", complete: bool = True):
        self = super().__new__(cls, count)
        self.complete = complete
        self._text = f"{count:,} {one if count == 1 else many}{of}{'' if complete else ', a seeded sample of more'}"
        return self

    def __str__(self) -> str:
        return self._text

    def __format__(self, spec: str) -> str:
        return format(int(self), spec) if spec else str(self)


def interleave(bench, prepare: Callable, callers: list[Callable], verify: Callable, limit: int = 1000) -> Tried:
    """Run `callers`, functions of a client, in every order of their broker commands; `verify(r, results)` after each.

    The orders with the fewest switches between callers come first. When there are more than `limit`, half of the limit
    goes to those and half to a seeded sample of the others (`.complete` is False).
    Raises NotYet with the shortest order that failed (fewest commands, then fewest switches): with verify's own code,
    or "deadlock", or "no-progress".
    """
    names = [f"caller {chr(ord('A') + i)}" for i in range(len(callers))]
    parts = dict(zip(names, callers, strict=True))
    rng = random.Random(1)
    waiting: list[tuple[int, int, tuple]] = [(0, 0, ())]  # (switches, number, the first moves), fewest switches first
    tried, numbered, complete, shortest, stop = 0, 0, True, None, limit
    with _stage(bench) as stage:
        while waiting and tried < stop:
            if complete and tried + len(waiting) > limit:  # each that waits stands for at least one more
                complete = False
            if not complete and tried >= limit // 2:
                pick = rng.randrange(len(waiting))
                waiting[pick], waiting[-1] = waiting[-1], waiting[pick]
                prefix = waiting.pop()[2]
            else:
                prefix = heapq.heappop(waiting)[2]
            failure = _run(stage, prepare, parts, lambda r: verify(r, stage.results), bench.r, prefix)
            tried += 1
            moves = [who for who, _ in stage.moves]
            if failure is not None:
                size = (len(stage.trace), _switches(moves))
                if shortest is None or size < shortest[0]:
                    shortest = size, failure
                    failure.trace = stage.trace
                    stop = min(stop, tried + MORE_AFTER_A_FAILURE) if stop == limit else stop
                if failure.code == "no-progress":  # the others would take as long
                    break
            for place in range(len(prefix), len(moves)):
                for other in stage.moves[place][1]:
                    if other != moves[place]:
                        numbered += 1
                        start = (*moves[:place], other)
                        heapq.heappush(waiting, (_switches(start), numbered, start))
    if shortest is not None:
        raise shortest[1]
    of = f" of {_count(len(callers))} callers"
    return Tried(tried, "interleaving", "interleavings", of, complete and not waiting)


def crash_sweep(bench, prepare: Callable, run: Callable, recover: Callable, verify: Callable,
                most: int = 100) -> Tried:
    """Kill the process of `run(r)` before, and after, each of its commands; then `recover(r)` and `verify(r, result)`.

    Before a command: all its work up to there is done. After: the command took effect, the process never saw the reply.
    A client of the dead process refuses every further command. `result` is what `run` returned, or the SimulatedCrash.
    The last run is one without a crash. Raises NotYet with the earliest crash that did harm.
    """

    def kinds(n):
        return [Fault("before", n), Fault("after", n)]

    return _fault_sweep(bench, prepare, run, recover, verify, kinds, most,
                        ("crash point", "crash points"))


def lost_reply_sweep(bench, prepare: Callable, run: Callable, verify: Callable, most: int = 100) -> Tried:
    """Let each command of `run(r)` take effect but lose its reply: the caller sees redis.ConnectionError and may go on.

    One reply is lost per run; then `verify(r, result)`, `result` being what `run` returned or the exception it ended
    with. The last run is one without a loss. Raises NotYet with the earliest loss that did harm.
    """
    return _fault_sweep(bench, prepare, run, None, verify, lambda n: [Fault("lost", n)], most,
                        ("lost reply", "lost replies"))


def race(bench, n: int, fn: Callable) -> list:
    """`fn(i, r)` in `n` threads released at once, each with its own client of the real broker. Returns the results."""
    barrier, results = threading.Barrier(n), [None] * n

    def runner(i: int) -> None:
        with bench.client() as client:
            client.ping()
            barrier.wait()
            try:
                results[i] = fn(i, client)
            except BaseException as error:
                results[i] = error

    threads = [threading.Thread(target=runner, args=(i,), daemon=True) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _not_implemented(results)
    return results


def values(results: list) -> list:
    """The results; raises the first exception among them."""
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


# ---------------------------------------------------------------- one run


def _fault_sweep(bench, prepare, run, recover, verify, kinds, most, what) -> Tried:
    points = 0
    with _stage(bench) as stage:
        for n in range(1, most + 1):
            for fault in kinds(n):
                def look(r):
                    result = stage.results[0]
                    if recover is not None:
                        stage.play({"recovery": recover})
                        values(stage.results)
                    verify(r, result)  # noqa: B023 — called before the loop goes on

                failure = _run(stage, prepare, {"your code": run}, look, bench.r, faults={"your code": fault})
                if failure is not None:
                    failure.trace = stage.trace
                    raise failure
                if not fault.hit:
                    return Tried(points, *what)
                points += 1
    raise NotYet("no-progress", f"sent more than {most} commands and did not come to an end.",
                 "The work ends after a few commands.")


def _run(stage: Stage, prepare, parts, look, r, prefix=(), faults=None) -> NotYet | None:
    """One run from an empty broker; what was wrong with it, if anything was."""
    stage.reset()
    prepare(r)
    try:
        stage.play(parts, prefix, faults)
        _not_implemented(stage.results)
        look(r)
    except NotYet as failure:
        return failure
    except Stuck as stuck:
        return _stuck(stuck.kind, len(parts))
    except Held as held:
        for name, step in stage.paused(held.args[0]):
            stage.trace.remark(f"{name} is about to send {step}")
        stage.trace.remark(f"{held} waits in this process, not in the broker, and sends nothing")
        raise NotYet("process-lock", "lets a caller wait in this process (for a lock?) until another one has finished.",
                     "It is right whatever other processes do, and however slow they are.",
                     "A lock of this process does not keep other processes out: the same code runs on many machines.",
                     stage.trace) from None
    except AssertionError as error:
        if not _of_check(error):
            error.trace = stage.trace
            raise
        return NotYet("broken-invariant", f"broke a rule: {error}" if str(error) else "broke a rule of this task.",
                      "The rule holds in whatever order the commands happen.")
    except Exception as error:
        with suppress(AttributeError):  # so that the learner reads what led to it
            error.trace = stage.trace
        raise
    return None


def _of_check(error: AssertionError) -> bool:
    """Whether an assert of the check failed, not one in the learner's code that the check raised again."""
    trace, frames = error.__traceback__, 0
    while trace is not None:
        frames, trace = frames + (trace.tb_frame.f_code.co_name == "_live"), trace.tb_next
    return frames == 0


def _stuck(kind: str, callers: int) -> NotYet:
    who = "the caller" if callers == 1 else "the callers"
    if kind == "deadlock":
        return NotYet("deadlock", f"waits for ever: {who} blocked in a command that nobody answers.",
                      "Whatever the order of the commands, everybody comes to an end.",
                      "A blocking command without a time-out returns only if somebody else supplies what it waits for.")
    return NotYet("no-progress", f"went on sending commands without coming to an end ({who} never finished).",
                  "Whatever the order of the commands, everybody comes to an end.",
                  "Code that asks again and again needs somebody who changes the answer, and a limit.")


def _not_implemented(results) -> None:
    for result in results:
        if isinstance(result, (NotImplementedError, NotYet)):
            raise result
        if isinstance(result, BaseException) and not isinstance(result, (Exception, SimulatedCrash)):
            raise result  # sys.exit, KeyboardInterrupt …


def _switches(moves) -> int:
    return sum(a != b for a, b in zip(moves, moves[1:], strict=False))


def _count(n: int) -> str:
    return {1: "one", 2: "two", 3: "three", 4: "four"}.get(n, str(n))


class _stage:
    """A Stage on the bench's broker, closed at the end."""

    def __init__(self, bench):
        self._control = bench.client()
        self._stage = Stage(bench.broker.url, self._control)

    def __enter__(self) -> Stage:
        return self._stage

    def __exit__(self, *exception) -> None:
        self._stage.close()
        self._control.close()
