"""From a function that a lesson shows to the text of a program that calls it.

The function's source is what runs: nothing is forked and nothing is pickled, so that it works alike on Linux
and on macOS, and a learner can read the program.
"""

from __future__ import annotations

import builtins
import dis
import inspect
import math
import textwrap
from collections.abc import Callable, Iterable
from types import CodeType, ModuleType


class WorkerError(RuntimeError):
    """A worker cannot start, has ended, or was waited for in vain. One line: the cause and the next step."""

    def _render_traceback_(
        self,
    ) -> list[str]:  # asked for by IPython: a notebook shows the line, not our code
        return [f"WorkerError: {self}"]


def program(function: Callable, arguments: tuple, share: Iterable[ModuleType | Callable] = ()) -> str:
    """The text of a program that calls `function` with `arguments`.

    share: what the program holds beside it: modules, which it imports, and functions, whose source it repeats.
    Raises TypeError for arguments that are not JSON values, WorkerError for a function that cannot stand
    alone.
    """
    share = list(share)
    imports = [f"import {part.__name__}\n" for part in share if isinstance(part, ModuleType)]
    beside = [f"{_source(part)}\n\n" for part in share if not isinstance(part, ModuleType)]
    source = "".join([*imports, "\n\n" if imports else "", *beside, _source(function)])
    values = ", ".join(repr(_plain(value, f"argument {n}")) for n, value in enumerate(arguments, start=1))
    call = f"{function.__name__}({values})"
    if inspect.iscoroutinefunction(function):
        call = f"import asyncio\n\n    asyncio.run({call})"
    # annotations stay text: a name in them may be known in the notebook only
    head = "from __future__ import annotations\n\n\n"
    _check_stands_alone(function.__name__, head + source)
    return f'{head}{source}\n\nif __name__ == "__main__":\n    {call}\n'


def _source(function: Callable) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    if not inspect.isfunction(function) or name == "<lambda>":
        raise WorkerError(f"{name} is no function made by `def`, and only such a one has source to run. Write one.")
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise WorkerError(f"The source of {name} cannot be found. Define it in a cell or a file.") from None


def _check_stands_alone(name: str, text: str) -> None:
    used, made = _outer_names(compile(text, name, "exec"))
    missing = used - made - vars(builtins).keys() - {"__file__", "__annotations__"}
    if missing:
        names = ", ".join(f"`{name}`" for name in sorted(missing))
        raise WorkerError(
            f"{name} uses {names} from outside itself, but a process shares nothing with the notebook. "
            "Import or define it inside the function, share it, or pass it as an argument."
        )


def _outer_names(code: CodeType) -> tuple[set[str], set[str]]:
    """The names that the code, or a function in it, looks up outside functions, and those it makes there."""
    used, made = set(), set()
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
            used.add(instruction.argval)
        elif instruction.opname in ("STORE_GLOBAL", "STORE_NAME"):
            made.add(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner_used, inner_made = _outer_names(constant)
            used |= inner_used
            made |= inner_made
    return used, made


def _plain(value, where: str):
    """The value, if it is made of plain JSON types: its repr is then Python that makes it. Else TypeError."""
    if value is None or type(value) in (str, int, bool):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is list:
        return [_plain(item, f"{where}[{n}]") for n, item in enumerate(value)]
    if type(value) is dict and all(type(key) is str for key in value):
        return {key: _plain(item, f"{where}[{key!r}]") for key, item in value.items()}
    raise TypeError(
        f"{where} of a worker is of type {type(value).__name__}; a process takes JSON values only: "
        "str, int, finite float, bool, None, and lists and dicts (with str keys) of them."
    )
