"""A sound lesson and solution in miniature, to plant defects in, and a pytest that runs inside a test."""

import base64
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat.v4 as v4

ROOT = Path(__file__).resolve().parents[1]
SLUG = "01-sample"
ALT = "Figure of orders per second over time, one line that rises and one that falls."
# The smallest PNG: one transparent pixel.
PNG = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
        "e221bc330000000049454e44ae426082"
    )
).decode()


def picture():
    """A stored figure."""
    return v4.new_output(
        "display_data",
        data={"image/png": PNG, "text/plain": f"Figure: {ALT}"},
        metadata={"image/png": {"alt": ALT}},
    )


def printed(text: str):
    """A stored line of output."""
    return v4.new_output("stream", name="stdout", text=text + "\n")


def notebook(cells, **metadata):
    """A notebook of these cells, numbered as if run from top to bottom."""
    made = v4.new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
            "language_info": {"name": "python"},
            **metadata,
        },
    )
    count = 0
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
    return made


def text(source: str):
    """A text cell."""
    return v4.new_markdown_cell(source)


def code(source: str, *outputs, tags=()):
    """A code cell with its stored outputs."""
    return v4.new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)} if tags else {})


def lesson():
    """A lesson without a defect."""
    navigation = f"[Contents](../README.md) · [Lab](../labs/{SLUG}.ipynb)"
    predict = "**Predict.** What comes out?\n\n<details><summary>2</summary>\nRight.\n</details>"
    answer = "<details><summary>yes</summary>\nRight.\n</details>"
    quiz = "\n\n".join(f"**{n}.** Is it so?\n\n{answer}" for n in (1, 2, 3))
    return notebook(
        [
            text(f"# 01 · Sample\n\n{navigation}"),
            text("## What you will be able to do\n\n1. **Count** to two."),
            text("## Setup"),
            code("import time\n\nstarted = time.time()"),
            code("print(started)\nassert started > 0", printed("1.5"), tags=["nbval-ignore-output"]),
            text(f"## Count\n\n{predict}"),
            code("print(1 + 1)", printed("2")),
            text(predict),
            code("print(time.time())", printed("1.5"), tags=["nbval-ignore-output"]),
            code("assert 1 + 1 == 2\nprint('so it is')", printed("so it is")),
            text(predict),
            code("shows_four()", *[picture() for _ in range(4)]),
            text("## In production\n\n| system | name |\n|---|---|\n| RabbitMQ | queue |"),
            text("## Pitfalls\n\n- One."),
            text("## Key points\n\n- Two."),
            text(f"## Quiz\n\n{quiz}"),
            text(f"## Further reading\n\n- [A book](https://example.org/book)\n\n{navigation}"),
        ],
        mqlab={"level": "beginner", "minutes": 40},
    )


def solution():
    """A solution without a defect; its checks are imitated."""
    cells = [
        text(f"# Solution 01 · Sample\n\n[Lesson](../notebooks/{SLUG}.ipynb)"),
        code(f'from mqlab.checks import lab_checks\n\ncheck, hint = lab_checks("{SLUG}")'),
    ]
    for name in ("one", "two", "three"):
        body = f"    ### BEGIN SOLUTION\n    return '{name}'\n    ### END SOLUTION"
        cells += [
            text(f"## Write {name}"),
            code(f'def {name}() -> str:\n    """Say it."""\n{body}', tags=["task"]),
            code(f"check({name})", printed(f"{name}: passed"), tags=["check"]),
        ]
    return notebook(cells)


def project(folder: Path) -> Path:
    """A copy of what pytest needs to run notebooks as it does here, without the notebooks."""
    (folder / "tests").mkdir(parents=True)
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("__init__.py", "notebook_runs.py", "leftovers.py", "sanitize.cfg"):
        shutil.copy(ROOT / "tests" / name, folder / "tests" / name)
    return folder


def run_pytest(folder: Path, *arguments: str, timeout: float = 280) -> dict[str, str]:
    """Run pytest on a `project`; {"notebook file::test name": "" if it passed, else what it said}.

    Raises AssertionError where pytest itself did not get to the end.
    """
    report = folder / "report.xml"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert ended.returncode in (0, 1), f"pytest ended with {ended.returncode}: {ended.stdout}{ended.stderr}"
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        said = "".join(
            child.text or child.get("message") or "" for child in case if child.tag in ("failure", "error")
        )
        outcomes[f"{case.get('classname')}::{case.get('name')}"] = said
    return outcomes
