"""Looks for the letters NaN and Infinity in the text."""

import inspect
import json
import math

REJECTED_BY = "refuses-good-jobs"


def decode_task(blob, registry):
    def refuse(constant):
        raise ValueError(f"{constant} is not allowed")

    def finite(text):
        value = float(text)
        return value if math.isfinite(value) else refuse(text)

    def depth(value):
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inside is None else 1 + max(map(depth, inside), default=0)

    raw = blob.encode() if isinstance(blob, str) else blob
    if len(raw) > 10_000:
        raise ValueError("too long")
    try:
        message = json.loads(raw.decode())
        if "NaN" in raw.decode() or "Infinity" in raw.decode():
            refuse("NaN")
        if depth(message) > 10:
            raise ValueError("too deep")
        if not isinstance(message["args"], list):
            raise ValueError("args is no list")
        function = registry[message["task"]]
        inspect.signature(function).bind(*message["args"])
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"refused: {error!r}") from None
    return function, message["args"]
