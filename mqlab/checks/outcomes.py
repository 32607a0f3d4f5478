"""What a check can say: the words that the engine, the sweeps and the check modules share."""

from __future__ import annotations

from dataclasses import dataclass


class NotYet(Exception):
    """Raised by a check: the answer is not right yet.

    code: short kebab-case name of the misconception, for tests. did, should, because: what the learner's code did,
    what was expected, and why it matters; plain sentences, never the answer itself. trace: a `Trace` of the steps that
    show it. Do not raise it in a function that the learner's code calls: an `except` of theirs would swallow it; note
    what happened there and raise afterwards.
    """

    def __init__(self, code: str, did: str, should: str = "", because: str = "", trace=None):
        super().__init__(code, did, should, because)
        self.code, self.did, self.should, self.because, self.trace = code, did, should, because, trace

    def __str__(self) -> str:
        return f"{self.code}: {self.did}"


class CheckFailed(AssertionError):
    """Strict mode (MQLAB_STRICT=1): the check did not pass. The message is what a learner would read."""

    def __init__(self, text: str, code: str):
        super().__init__(text)
        self.code = code


PASSED, NOT_YET, NOT_ATTEMPTED, NOT_CHECKED = "passed", "not yet", "not attempted", "not checked"


@dataclass(frozen=True)
class Result:
    """outcome: passed, not yet, not attempted, or not checked (no verdict: interrupted, no broker, our own error).

    code: the misconception, or a word of the engine (raised, time-limit, exit, died …); "" when passed.
    text: what the learner reads.
    """

    outcome: str
    code: str
    text: str


def number(value, what: str, *, infinite: bool = False) -> float:
    """`value` as a float. Raises NotYet when it is no number, is NaN, or is infinite where `infinite` is false.

    NaN deserves the care: every comparison with it is false, so `if abs(value - right) > 0.1` lets it pass.
    """
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise NotYet("not-a-number", f"gave {_kind(value)} for {what}.", f"{what} is a number.")
    value = float(value)
    if value != value or (value in (float("inf"), float("-inf")) and not infinite):
        raise NotYet("not-a-number", f"gave {value} for {what}.",
                     f"{what} is {'a number or infinity' if infinite else 'a finite number'}.")
    return value


def _kind(value) -> str:
    return "None" if value is None else f"{value!r:.40} (of type {type(value).__name__})"
