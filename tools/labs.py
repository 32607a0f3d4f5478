"""Make labs/ from solutions/: cut what stands between nbgrader's delimiters, and clear the outputs.

    ### BEGIN SOLUTION        becomes        raise NotImplementedError
    ...                                      (indented like the BEGIN line)
    ### END SOLUTION

A cell tagged `solution` is left out: what it says is for those who read the solution.

`make labs` writes labs/ anew, identically each time; `python tools/labs.py --check` only says what is out of
step. Any doubtful marker is an error, reported with file, cell and line, and labs/ stays as it was.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END, STUB = "### BEGIN SOLUTION", "### END SOLUTION", "raise NotImplementedError"
# What somebody may have meant as a marker: a comment that starts with the two words, however spelt.
NEARLY = re.compile(r"\s*#+\W*((begin|end|start|stop)\w*[\W_]*solution|solution\W+(begin|end)\b)", re.I)


class MarkerError(ValueError):
    """One line per bad marker: file, cell id, line of the cell, what is wrong and what to do."""


def cut(source: str) -> tuple[str, int, list[tuple[int, str]]]:
    """The source with stubs for regions, the number of regions, and [(line number, what is wrong)]."""
    kept, errors, regions, begun, indent = [], [], 0, 0, ""
    for number, line in enumerate(source.split("\n"), 1):
        text = line.strip()
        if text == BEGIN:
            if begun:
                errors.append((number, f"BEGIN inside the region of line {begun}: end that one first"))
            begun, indent = number, line[: len(line) - len(line.lstrip())]
        elif text == END:
            if not begun:
                errors.append((number, "END without a BEGIN before it: add it or remove this one"))
            elif line[: len(line) - len(line.lstrip())] != indent:
                errors.append((number, f"END is not indented like its BEGIN in line {begun}"))
            elif number == begun + 1:
                errors.append((number, "nothing between BEGIN and END: there is no solution to cut"))
            if begun:
                kept.append(indent + STUB)
                regions += 1
            begun = 0
        elif NEARLY.match(line) or "SOLUTION" in line:
            errors.append((number, f"{text!r} looks like a marker: write exactly '{BEGIN}' or '{END}'"))
        elif not begun:
            kept.append(line)
    if begun:
        errors.append((begun, f"BEGIN without an END: add '{END}' after the solution"))
    return "\n".join(kept), regions, errors


def lab_text(solution: Path) -> str:
    """The lab made from one solution notebook, as the text of its file. Raises MarkerError."""
    notebook = nbformat.read(solution, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]
    errors, regions = [], 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source, found, wrong = cut(cell.source)
            regions += found
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("execution", None)
        else:
            wrong = [
                (number, f"marker in a {cell.cell_type} cell, where nothing is cut: move it into the code")
                for number, line in enumerate(cell.source.split("\n"), 1)
                if NEARLY.match(line) and "SOLUTION" in line
            ]
        errors += [f"{solution.name}, cell {cell.id}, line {number}: {message}" for number, message in wrong]
    if not regions and not errors:
        errors.append(f"{solution.name}: no '{BEGIN}' in any code cell: the lab would show the solution")
    if errors:
        raise MarkerError("\n".join(errors))
    return nbformat.writes(notebook) + "\n"


def make(solutions: Path) -> dict[str, str]:
    """{file name: text} of all labs. Raises MarkerError with every bad marker of every solution."""
    texts, errors = {}, []
    for path in sorted(solutions.glob("*.ipynb")):
        try:
            texts[path.name] = lab_text(path)
        except MarkerError as error:
            errors.append(str(error))
    if errors:
        raise MarkerError("\n".join(errors))
    return texts


def out_of_step(texts: dict[str, str], labs: Path) -> list[str]:
    """The names of labs that are missing, differ from their solution, or have none."""
    stored = {path.name: path.read_text(encoding="utf-8") for path in labs.glob("*.ipynb")}
    return sorted(name for name in texts.keys() | stored.keys() if texts.get(name) != stored.get(name))


def write(texts: dict[str, str], labs: Path) -> list[str]:
    """Bring labs/ into step, each file at once or not at all; the names of those that changed."""
    labs.mkdir(exist_ok=True)
    changed = out_of_step(texts, labs)
    for name in changed:
        if name in texts:
            temporary = labs / f".{name}.new"
            temporary.write_text(texts[name], encoding="utf-8")
            os.replace(temporary, labs / name)
        else:
            (labs / name).unlink()
    return changed


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 1 for bad markers, or with --check for labs out of step."""
    parser = argparse.ArgumentParser(description="Make labs/ from solutions/.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if labs/ is out of step")
    parser.add_argument("--solutions", type=Path, default=ROOT / "solutions")
    parser.add_argument("--labs", type=Path, default=ROOT / "labs")
    options = parser.parse_args(arguments)
    try:
        texts = make(options.solutions)
    except MarkerError as error:
        print(f"labs/ left as it was, because of bad markers:\n{error}", file=sys.stderr)
        return 1
    if options.check:
        behind = out_of_step(texts, options.labs)
        print(f"out of step, run `make labs`: {', '.join(behind)}" if behind else "labs/ is in step")
        return int(bool(behind))
    changed = write(texts, options.labs)
    print(f"{len(texts)} labs, changed: {', '.join(changed) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
