"""In the child: run the check's body on the answer, and say in a few plain values what came of it.

The main question is whose exception it is. One that passed through the learner's own lines is theirs; any other is an
error of the check, and said to be.
"""

from __future__ import annotations

import inspect
import linecache
import re
import types

import redis

from mqlab.checks import inside
from mqlab.checks.outcomes import NOT_ATTEMPTED, NOT_CHECKED, NOT_YET, PASSED, NotYet
from mqlab.checks.trace import Trace

PATCHABLE = (redis.Redis, redis.client.Pipeline, redis.client.PubSub, redis.Connection, redis.ConnectionPool)


def judge(task, answer, bench) -> dict:
    """{"outcome", "code", and the words: "said" for passed, else "did", "should", "because", "trace", "lines"}."""
    learner, library = Learner(answer), _library()
    try:
        said = task.body(learner.guarded(task.coroutine), bench)
        if learner.missing:
            return _not_attempted(learner.missing)
        return {"outcome": PASSED, "code": "", "said": "" if said is None else str(said)}
    except BaseException as error:
        inside.unlimit_memory()
        return _explain(error, learner, bench, library)


def _explain(error, learner, bench, library) -> dict:
    frames = learner.frames(error)
    if learner.missing or (isinstance(error, NotImplementedError) and frames and frames[-1].innermost):
        return _not_attempted(learner.missing or frames[-1].name)
    trace = getattr(error, "trace", None)
    trace = trace.format() if isinstance(trace, Trace) else ""
    if isinstance(error, NotYet):
        return _not_yet(error.code, error.did, error.should, error.because, trace=trace)
    lines = [frame.text for frame in _without_repeats(frames)[-3:]]
    if isinstance(error, MemoryError):
        return _not_yet("memory-limit", f"asked for more than {inside.MEMORY >> 20} MB of memory.",
                        "The task needs a few megabytes at most.",
                        "Something grows without a bound: a list, a string, a loop that never ends.", lines=lines)
    if isinstance(error, SystemExit):
        return _not_yet("exit", f"called sys.exit({'' if error.code is None else repr(error.code)}).",
                        "The function returns.", "sys.exit ends the whole process, not just a function.", lines=lines)
    if isinstance(error, redis.ConnectionError) and bench.broker is not None and not _alive(bench):
        return _not_yet("broker-ended", "left this check without its broker: it was shut down or killed meanwhile.",
                        "The broker goes on running.", "Others use the same broker: code must not stop it.",
                        lines=lines)
    if (mismatch := _signature(error, learner.answer)) and not frames:
        return _not_yet("signature", f"cannot be called as the task says: {mismatch}",
                        "It takes the arguments that the task names, in that order.", "")
    if frames:
        return _not_yet("raised", f"raised {describe(error)}", trace=trace, lines=lines)
    if patched := sorted(name for name, value in _library().items() if library.get(name, name) is not value):
        return _not_yet("patched-client", f"changed the redis library itself ({', '.join(patched[:3])}).",
                        "The library stays as it is.", "Everything else in the program uses the same library.")
    return {"outcome": NOT_CHECKED, "code": "check-error", "did": describe(error), "lines": [_where(error)]}


def _not_yet(code, did, should="", because="", trace="", lines=()) -> dict:
    return {"outcome": NOT_YET, "code": code, "did": str(did), "should": str(should), "because": str(because),
            "trace": trace, "lines": list(lines)}


def _not_attempted(name: str) -> dict:
    return {"outcome": NOT_ATTEMPTED, "code": "not-attempted", "did": name}


def describe(error: BaseException) -> str:
    """ "ValueError: its message", on one line."""
    try:
        text = " ".join(str(error).split())
    except BaseException:
        text = "(its message cannot be shown)"
    name = type(error).__name__
    return f"{name}: {text[:300]}" if text else f"{name}."


# ---------------------------------------------------------------- whose lines


class Frame:
    """A line of the learner's in a traceback."""

    def __init__(self, trace, innermost: bool):
        code = trace.tb_frame.f_code
        self.name, self.line, self.innermost = code.co_name, trace.tb_lineno, innermost
        source = linecache.getline(code.co_filename, self.line, trace.tb_frame.f_globals).strip()
        self.text = f"line {self.line} in {self.name}:  {source}" if source else f"line {self.line} in {self.name}"


class Learner:
    """The answer, and which code is the learner's: whatever shares its file or its global names."""

    def __init__(self, answer):
        self.answer = answer
        self.missing = ""  # the name of a function that still raises NotImplementedError
        function = next(_functions(answer), None)
        self._globals = function.__globals__ if function else {}
        self._files = files_of(answer)

    def guarded(self, coroutine_wanted: bool):
        """The answer for the check to call: as it is, but a stub or a coroutine is noticed whoever calls it."""
        if not isinstance(self.answer, types.FunctionType):
            return self.answer
        answer = self.answer

        def guard(*args, **kwargs):
            try:
                result = answer(*args, **kwargs)
            except NotImplementedError as error:
                frames = self.frames(error)
                if frames and frames[-1].innermost:
                    self.missing = frames[-1].name
                raise
            if (inspect.iscoroutine(result) or inspect.isasyncgen(result)) and not coroutine_wanted:
                if inspect.iscoroutine(result):
                    result.close()
                raise NotYet(*COROUTINE)
            return result

        guard.__name__, guard.__qualname__, guard.__doc__ = answer.__name__, answer.__qualname__, answer.__doc__
        guard.__wrapped__ = answer
        return guard

    def frames(self, error: BaseException) -> list[Frame]:
        found, trace = [], error.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if frame.f_globals is self._globals or frame.f_code.co_filename in self._files:
                found.append(Frame(trace, trace.tb_next is None))
            trace = trace.tb_next
        return found


COROUTINE = ("coroutine", "is a coroutine function (async def): calling it does nothing yet.",
             "It is an ordinary function (def).",
             "A coroutine runs only when it is awaited; these tasks are not async.")
GENERATOR = ("generator", "contains `yield`, so calling it does nothing yet.", "It returns its result with `return`.",
             "A function with `yield` is a generator: its body runs only when somebody iterates over it.")


def files_of(answer) -> set[str]:
    """The files (or notebook cells) of the answer and of the functions beside it that it can call by name."""
    functions = list(_functions(answer))
    if functions:
        module = functions[0].__module__
        for value in list(functions[0].__globals__.values()):
            if isinstance(value, (types.FunctionType, type)) and value.__module__ == module:
                functions.extend(_functions(value))
    return {function.__code__.co_filename for function in functions}


def _functions(answer):
    if isinstance(answer, types.FunctionType):
        yield inspect.unwrap(answer)
        yield answer
    elif isinstance(answer, type):
        for value in vars(answer).values():
            value = getattr(value, "__func__", getattr(value, "fget", value))
            if isinstance(value, types.FunctionType):
                yield value


def _without_repeats(frames: list[Frame]) -> list[Frame]:
    return [frame for i, frame in enumerate(frames) if frame.text not in [other.text for other in frames[i + 1 :]][:50]]


def _signature(error, answer) -> str:
    if not isinstance(error, TypeError):
        return ""
    found = re.match(r"([\w.<>]+)\(\) (takes|missing|got)", str(error))
    name = getattr(answer, "__qualname__", "")
    return describe(error).removeprefix("TypeError: ") + "." if found and found[1].startswith(name) else ""


def _library() -> dict:
    return {f"{kind.__name__}.{name}": value for kind in PATCHABLE for name, value in vars(kind).items()}


def _alive(bench) -> bool:
    try:
        with redis.Redis.from_url(bench.broker.url, socket_timeout=2) as client:
            return client.ping()
    except Exception:
        return False


def _where(error: BaseException) -> str:
    trace, here = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        here = f"line {trace.tb_lineno} in {code.co_name} ({code.co_filename.rsplit('/', 1)[-1]})"
        trace = trace.tb_next
    return here
