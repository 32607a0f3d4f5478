"""Replaces bytes that are not UTF-8 by a question mark, and calls the task with it."""

import inspect
import json
import math

REJECTED_BY = "not-a-job"


def refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not allowed")


def finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else refuse(text)


def depth(value: object) -> int:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inside is None else 1 + max(map(depth, inside), default=0)


def decode_task(blob, registry):
    """(function, arguments) of a good blob. Raises ValueError for any other."""
    raw = blob.encode() if isinstance(blob, str) else blob
    if len(raw) > 10_000:
        raise ValueError("too long")
    try:
        message = json.loads(raw.decode("utf-8", "replace"), parse_constant=refuse, parse_float=finite)
        if depth(message) > 10:
            raise ValueError("too deep")
        if not isinstance(message["args"], list):
            raise ValueError("args is no list")
        function = registry[message["task"]]
        inspect.signature(function).bind(*message["args"])
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"refused: {error!r}") from None
    return function, message["args"]
