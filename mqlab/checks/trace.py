"""The record of who asked the broker for what, and its reply, in a form that people can read."""

from __future__ import annotations

from dataclasses import dataclass, field

import redis

WIDTH = 96  # characters of a line, at most


@dataclass
class Trace:
    """Who asked the broker for what, and its reply, in order. An entry without a reply is a remark."""

    entries: list[tuple[str, object, object]] = field(default_factory=list)
    most: int = 24  # lines shown, at most

    def add(self, who: str, step, reply) -> None:
        self.entries.append((who, step, reply))

    def remark(self, text: str) -> None:
        self.entries.append(("", text, _NOTHING))

    def __len__(self) -> int:
        return sum(reply is not _NOTHING for _, _, reply in self.entries)

    def format(self) -> str:
        """One numbered line per step, shorter than 100 characters; long values and long middles are left out."""
        rows = [(who, str(step), reply) for who, step, reply in self.entries]
        steps = [(who, cut(step, 54)) for who, step, reply in rows if reply is not _NOTHING]
        who_width = max((len(who) for who, _ in steps), default=0)
        step_width = max((len(step) for _, step in steps), default=0)
        lines, number = [], 0
        for who, step, reply in rows:
            if reply is _NOTHING:
                line = f"     {step}"
            else:
                number += 1
                line = f"{number:>4} {who:{who_width}}   {cut(step, 54):{step_width}}  → {reply_text(reply)}"
            lines.append(cut(line, WIDTH))
        if len(lines) > self.most:
            head, tail = self.most * 2 // 3, self.most // 3 - 1
            lines[head:-tail] = [f"     … {len(lines) - head - tail} more …"]
        return "\n".join(lines)


_NOTHING = object()


class Said(str):
    """Stands for a reply in a trace, and is shown as it is."""


def readable(command: tuple) -> str:
    """A command on one line: scripts without their text, long values shortened."""
    name, *arguments = [*as_text(command[0]).split(), *map(as_text, command[1:])]
    upper = name.upper()
    if upper.startswith("EVAL") and arguments:
        return f"Lua script({', '.join(_value(argument) for argument in arguments[2:])})"
    if upper == "SCRIPT" and arguments and arguments[0].upper() == "LOAD":
        return "SCRIPT LOAD (the Lua script)"
    return " ".join([name, *map(_value, arguments)])


def _value(text: str) -> str:
    text = text.replace("\n", " ")
    if not text or " " in text and not text.startswith(("{", "[")):
        text = f'"{text}"'
    if len(text) > 32 and text[0] in "{[":
        return text[:14] + "…" + text[0].translate({ord("{"): "}", ord("["): "]"})
    return cut(text, 36)


def reply_text(reply) -> str:
    """A reply as redis-cli would put it, on one short line."""
    match reply:
        case Said():
            return str(reply)
        case None:
            return "(nil)"
        case redis.exceptions.NoScriptError():
            return "error: the server does not know this script yet"
        case redis.ResponseError():
            return cut(f"error: {as_text(reply)}", 60)
        case BaseException():
            return cut(f"{type(reply).__name__}: {as_text(reply)}", 60)
        case list() | tuple() | set():
            return cut("[" + ", ".join(reply_text(item) for item in list(reply)[:6])
                        + (", …" if len(reply) > 6 else "") + "]", 60)
        case dict():
            inside = ", ".join(f"{as_text(k)}: {reply_text(v)}" for k, v in list(reply.items())[:6])
            return cut("{" + inside + "}", 60)
        case _:
            return _value(as_text(reply))


def as_text(value) -> str:
    """A part of a command or a reply as text."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode(errors="replace")
    return str(value)


def cut(line: str, width: int) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"
