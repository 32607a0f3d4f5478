"""The text of a result: plain words, no colour, no line of 100 characters or more."""

from __future__ import annotations

import linecache
import os
import signal
import textwrap

from mqlab.checks import child
from mqlab.checks.outcomes import NOT_ATTEMPTED, NOT_CHECKED, NOT_YET, PASSED
from mqlab.checks.trace import WIDTH, cut

LABEL = 14  # columns of "  Your code   "
SHOWN = 2048  # characters of the learner's own output that are shown


def verdict(name: str, words: dict, output: str, next_hint: str) -> str:
    """The text for a report of `judge`. `next_hint`: the line about hints, or ""."""
    match words["outcome"]:
        case "passed":
            said = words["said"]
            return _clean(_wrap(f"{name}: {PASSED}", f" ({said})" if said else ""))
        case "not attempted":
            where = "" if words["did"] == name else f" ({words['did']} still raises NotImplementedError)"
            return _clean(_wrap(f"{name}: {NOT_ATTEMPTED}{where}.",
                                " Write the function above, run its cell, then run this one."))
        case "not checked":
            return not_checked(name, f"the check itself failed: {words['did']}, at {words['lines'][0]}. "
                                     "That is an error of the course, not of yours; please report it.")
    parts = [f"{name}: {NOT_YET}", _labelled("Your code", words["did"])]
    parts += [" " * LABEL + cut(line, WIDTH - LABEL) for line in words.get("lines", [])]
    parts += [_labelled("Expected", words["should"]), _labelled("Why", words["because"])]
    if words.get("trace"):
        parts += ["  What happened, step by step (the shortest way found to break it)", words["trace"]]
    if output.strip():
        parts += ["  It printed", _quoted(output)]
    parts.append(_labelled("Next", next_hint))
    return _clean("\n".join(part for part in parts if part))


def not_checked(name: str, why: str) -> str:
    return _clean(_wrap(f"{name}: {NOT_CHECKED}: ", why))


def no_report(ended: child.Ended, limit: float, files: set[str]) -> dict:
    """The words, as `judge` reports them, for a child that gave no report. `files`: where the learner's code is."""
    words = {"outcome": NOT_YET, "lines": [], "should": "The function comes to an end and returns.", "because": ""}
    for file, line, name in ended.frames:  # the innermost line that is theirs
        if file in files:
            source = linecache.getline(file, line).strip()
            words["lines"] = [f"line {line} in {name}:  {source}" if source else f"line {line} in {name}"]
            break
    if ended.status is None:
        did = f"was not done after {limit:g} seconds"
        if ended.waiting_for:
            did += f"; it was waiting for the broker's reply to {cut(ended.waiting_for, 60)}"
        elif ended.sending:
            did += f"; it went on sending commands to the broker, such as {cut(ended.sending, 60)}"
        return {**words, "code": "time-limit", "did": did + (", at this line:" if words["lines"] else "."),
                "should": "The whole check takes a second or two.",
                "because": "A loop that never ends, a lock never released, or a blocking call that nobody answers "
                           "looks like this."}
    if os.WIFSIGNALED(ended.status):
        number = os.WTERMSIG(ended.status)
        name = signal.Signals(number).name if number in signal.valid_signals() else str(number)
        return {**words, "code": "died", "did": f"ended the Python process it ran in (by the signal {name})."}
    return {**words, "code": "exit",
            "did": f"ended the Python process it ran in (exit status {os.WEXITSTATUS(ended.status)}).",
            "because": "os._exit, or closing files that belong to others, ends more than a function."}


def _labelled(label: str, text: str) -> str:
    if not text:
        return ""
    return textwrap.fill(" ".join(text.split()), WIDTH, initial_indent=f"  {label:{LABEL - 2}}",
                         subsequent_indent=" " * LABEL)


def _wrap(start: str, text: str) -> str:
    return textwrap.fill(start + " ".join(text.split()) if not text.startswith(" ") else start + text, WIDTH,
                         subsequent_indent="  ")


def _quoted(output: str) -> str:
    shown = output[:SHOWN].rstrip()
    lines = [" " * 4 + cut(line, WIDTH - 4) for line in shown.splitlines()]
    lines = lines[:20] + [f"    … {len(lines) - 20} more lines …"] * (len(lines) > 20)
    if len(output.rstrip()) > SHOWN:
        lines.append("    … and more.")
    return "\n".join(lines)


def _clean(text: str) -> str:
    """No escape sequences, and nothing that cannot be printed."""
    text = "".join(char if char == "\n" or char.isprintable() else "·" for char in text)
    return text.encode("utf-8", "replace").decode()


def paragraph(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH)
