"""The check engine: tasks, hints, and a verdict on an answer that never harms the kernel it is given in.

    lab = Lab("01-message-queue-basics")

    @lab.task(hints=["…", "…"])
    def submit_order(answer, bench):          # the task's name is the name of the learner's function or class
        ...                                   # raise NotYet(code, did, should, because); returning means passed
        return "1,214 cases"                  # optional: what was tried, always the same

`lab.check(fn)` prints passed, not yet or not attempted, and returns None; with MQLAB_STRICT=1 it raises CheckFailed for
whatever did not pass. `run_check(lab, name, answer)` gives a Result instead. The check runs in a forked child
(child.py) with a private broker; judge.py says there what came of it.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from mqlab.broker import Broker, BrokerError
from mqlab.checks import child, judge, wording
from mqlab.checks.bench import Bench
from mqlab.checks.outcomes import NOT_CHECKED, NOT_YET, PASSED, CheckFailed, NotYet, Result, number

__all__ = ["Bench", "CheckFailed", "Lab", "NotYet", "Result", "number", "run_check"]


@dataclass(frozen=True)
class Task:
    name: str
    body: Callable
    hints: tuple[str, ...]
    limit: float
    broker: bool
    coroutine: bool
    generator: bool


class Lab:
    """The tasks of one lab, in the order they were defined. Hints that were given are remembered in this kernel."""

    def __init__(self, slug: str):
        self.slug = slug
        self.tasks: dict[str, Task] = {}
        self._given: dict[str, int] = {}

    def task(self, *, hints=(), limit: float = 10, broker: bool = True, coroutine: bool = False,
             generator: bool = False):
        """Decorate a check. limit: seconds of wall time for all of it. broker: whether it needs one (without, it is
        faster). coroutine, generator: whether the answer is to be an `async def`, or to `yield`."""

        def register(body: Callable) -> Callable:
            self.tasks[body.__name__] = Task(body.__name__, body, tuple(hints), limit, broker, coroutine, generator)
            return body

        return register

    def check(self, answer) -> None:
        """Check the answer (the function or class itself) and print the verdict."""
        name = _name(answer)
        if name in self.tasks:
            result = run_check(self, name, answer)
        else:
            result = Result(NOT_CHECKED, "unknown-task", wording.not_checked("check", self._unknown("check", answer)))
        if result.outcome != PASSED and os.environ.get("MQLAB_STRICT", "0") not in ("", "0"):
            raise CheckFailed(result.text, result.code)
        print(result.text)

    def hint(self, answer) -> None:
        """Print the next hint for the task of this function or class, or of this name."""
        task = self.tasks.get(answer if isinstance(answer, str) else _name(answer))
        if task is None:
            print(wording.not_checked("hint", self._unknown("hint", answer)))
            return
        given, total = self._given.get(task.name, 0), len(task.hints)
        if given < total:
            self._given[task.name] = given + 1
            print(wording.paragraph(f"Hint {given + 1} of {total}: {task.hints[given]}"))
        else:
            print(f"There are no more hints for {task.name}." if total else f"There are no hints for {task.name}.")

    def next_hint(self, task: Task) -> str:
        given, total = self._given.get(task.name, 0), len(task.hints)
        if given < total:
            return f"hint({task.name}) gives hint {given + 1} of {total}."
        return f"You have seen all {total} hints; read them again above." if total else ""

    def _unknown(self, verb: str, answer) -> str:
        what = f"something called {_name(answer)!r}" if _name(answer) else f"a value of type {type(answer).__name__}"
        tasks = ", ".join(f"{verb}({name})" for name in self.tasks)
        return f"it was given {what}. Give it the function or class of a task: {tasks}."


def _name(answer) -> str:
    try:
        name = answer.__name__
    except Exception:
        return ""
    return name if isinstance(name, str) else ""


def run_check(lab: Lab, task_name: str, answer) -> Result:
    """Check `answer` as the lab's task of that name. Raises KeyError for an unknown task, and nothing else."""
    task = lab.tasks[task_name]
    try:
        return _run(lab, task, answer)
    except KeyboardInterrupt:
        why = "you interrupted it. Run this cell again."
        return Result(NOT_CHECKED, "interrupted", wording.not_checked(task_name, why))
    except BrokerError as error:
        return Result(NOT_CHECKED, "no-broker", wording.not_checked(task_name, f"there is no broker. {error}"))
    except OSError as error:
        why = f"the system gave no new process or file ({error.strerror}). Close other programs and try again."
        return Result(NOT_CHECKED, "no-process", wording.not_checked(task_name, why))
    except Exception as error:
        why = f"the check engine itself failed: {judge.describe(error)}. Please report it."
        return Result(NOT_CHECKED, "check-error", wording.not_checked(task_name, why))


def _run(lab: Lab, task: Task, answer) -> Result:
    output = ""
    words = _unfit(task, answer)
    if words is None:
        with Broker.start(private=True) if task.broker else nullcontext() as broker:
            bench = Bench(broker, seed=f"{lab.slug}/{task.name}")
            ended = child.run(lambda: judge.judge(task, answer, bench), task.limit)
        words, output = ended.report, ended.output
        if words is None:
            words = wording.no_report(ended, task.limit, judge.files_of(answer))
    text = wording.verdict(task.name, words, output, lab.next_hint(task))
    return Result(words["outcome"], words["code"], text)


def _unfit(task: Task, answer) -> dict | None:
    """What is wrong with an answer that need not even be called."""
    parts = [answer, *(vars(answer).values() if isinstance(answer, type) else ())]
    if not callable(answer):
        found = ("not-callable", f"made {task.name} a {type(answer).__name__}, which cannot be called.",
                 f"{task.name} is a function or a class.", "")
    elif not task.coroutine and any(inspect.iscoroutinefunction(p) or inspect.isasyncgenfunction(p) for p in parts):
        found = judge.COROUTINE
    elif not task.generator and inspect.isgeneratorfunction(answer):
        found = judge.GENERATOR
    else:
        return None
    return {"outcome": NOT_YET, **dict(zip(("code", "did", "should", "because"), found, strict=True))}
