"""The errors of the course's formulas, as the stored outputs of its notebooks print them; for `make bench`."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pandas as pd

NUMBER = r"([+-]?\d+(?:\.\d+)?)\s?(%|points)"
WORD = re.compile(rf"\berrors?\b|\boff\b|(?={NUMBER} off\b)")  # "error +3%", "off by 3%", "3% off"
COLUMN = re.compile(r"\berror(?: without| \((points)\))?(?=  |\s*$)")


def table(folder: Path) -> pd.DataFrame:
    """The errors in all notebooks of a folder, one row each: lesson, text, error, unit."""
    rows = [
        {"lesson": path.stem[:2], **row}
        for path in sorted(folder.glob("*.ipynb"))
        for row in errors(nbformat.read(path, as_version=4))
    ]
    return pd.DataFrame(rows, columns=["lesson", "text", "error", "unit"])


def summary(found: pd.DataFrame) -> str:
    """By lesson: how many, the median and the worst absolute error, and how many are beyond 10."""
    size = found.error.abs()
    lessons = size.groupby(found.lesson).agg(["count", "median", "max"]).rename(columns={"max": "worst"})
    lessons["beyond 10"] = (size > 10).groupby(found.lesson).sum()
    last = f"{len(found)} errors, in % or points; median {size.median():.1f}; beyond 10: {(size > 10).sum()}"
    return f"{lessons.round(1).to_string()}\n{last}"


def errors(notebook: nbformat.NotebookNode) -> list[dict]:
    """Every error that the stored outputs print: {"text", "error", "unit"}, the unit "%" or "points".

    Two forms are known. A line with the word and numbers after it, up to a semicolon: the largest counts. A column of
    a table with the word at its head: its numbers are shares, unless they carry a % or the head says points.
    """
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            lines = output.text.splitlines() if output.output_type == "stream" else []
            for n, line in enumerate(lines):
                word = WORD.search(line)
                if word and (numbers := re.findall(NUMBER, line[word.start() :].split(";")[0])):
                    value, unit = max(numbers, key=lambda number: abs(float(number[0])))
                    found.append({"text": line.strip(), "error": float(value), "unit": unit})
                elif head := COLUMN.search(line):
                    found += _column(lines[n + 1 :], head.end(), points=bool(head[1]))
    return found


def _column(rows: list[str], right: int, points: bool) -> list[dict]:
    """The numbers whose last character stands below that of the head, down to the first row without one."""
    found = []
    for row in rows:
        number = re.search(r"(?<![=:] )(?<![\d.+-])([+-]?\d+(?:\.\d+)?)(%?)$", row[:right])
        if not number and found:
            break
        if number and row[right : right + 1] in ("", " "):
            scale, unit = (1, "points") if points else (1, "%") if number[2] else (100, "%")
            found.append({"text": " ".join(row.split()), "error": scale * float(number[1]), "unit": unit})
    return found
