"""Execute notebooks from a fresh kernel and store their outputs, the same from run to run.

usage: python tools/notebooks.py [NOTEBOOK ...]        default: all of notebooks/ and solutions/

A notebook is written back only when every one of its cells succeeded. Checks in solutions/ run strictly: a
*not yet* stops the run. labs/ are made by tools/labs.py and are never executed in place.

The figure of a cell tagged `cover` is also written to notebooks/images/<slug>.png, for the README.
"""

import base64
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).resolve().parents[1]
CELL_TIMEOUT = 60  # seconds
T = TypeVar("T")


def despite_taken_ports(start: Callable[[], T]) -> T:
    """`start()`, three times at most while the kernel dies before it answers.

    Jupyter chooses five free ports and closes them again; until the kernel opens them, the end of any connection on
    this machine may get one, and then the kernel dies (https://github.com/jupyter/jupyter_client/issues/487).
    """
    for _ in range(2):
        try:
            return start()
        except RuntimeError as error:
            if "Kernel died before replying" not in str(error):
                raise
    return start()


def execute(path: Path, strict: bool = False, env: dict[str, str] | None = None, **options):
    """The NotebookNode of `path`, executed in its own folder by a fresh kernel; nothing is written.

    `strict` makes checks raise (MQLAB_STRICT=1); `env` is added to the kernel's environment; `options` are
    nbclient's.
    Raises nbclient's CellExecutionError, CellTimeoutError or DeadKernelError.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for noise in ("execution", "lines_to_next_cell"):  # what JupyterLab and jupytext may have left
            cell.metadata.pop(noise, None)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],  # else ipykernel warns about loopback TCP in every run
        **options,
    )
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", **(env or {})}
    environment.pop("MQLAB_STRICT", None)
    environment.pop("PYTEST_CURRENT_TEST", None)  # ipykernel would not capture the output of child processes
    if strict:
        environment["MQLAB_STRICT"] = "1"
    despite_taken_ports(lambda: client.execute(env=environment))
    notebook.metadata["language_info"] = {"name": "python"}  # without the version of this interpreter
    return notebook


def store(path: Path, notebook: nbformat.NotebookNode) -> bool:
    """Write the notebook, at once or not at all; whether the file changed."""
    text = nbformat.writes(notebook) + "\n"
    if path.read_text(encoding="utf-8") == text:
        return False
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
    return True


def covers(notebook: nbformat.NotebookNode) -> list[bytes]:
    """The PNG figures of the cells tagged `cover`."""
    outputs = [output for cell in notebook.cells if "cover" in cell.metadata.get("tags", []) for output in cell.outputs]
    return [base64.b64decode(output.data["image/png"]) for output in outputs if "image/png" in output.get("data", {})]


def main(arguments: list[str]) -> int:
    """Returns the exit code: the number of notebooks that failed."""
    paths = [Path(name).resolve() for name in arguments]
    paths = paths or sorted(ROOT.glob("notebooks/*.ipynb")) + sorted(ROOT.glob("solutions/*.ipynb"))
    failed = 0
    for path in paths:
        name = f"{path.parent.name}/{path.name}"
        if path.parent.name == "labs":
            print(f"{name}: labs are stored without outputs; run `make labs`", file=sys.stderr)
            failed += 1
            continue
        begun = time.perf_counter()
        try:
            notebook = execute(path, strict=path.parent.name == "solutions")
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            seconds = time.perf_counter() - begun
            print(f"{name}: failed after {seconds:.1f} s, not written\n{error}", file=sys.stderr)
            failed += 1
            continue
        seconds = time.perf_counter() - begun
        print(f"{name}: {seconds:.1f} s, {'stored' if store(path, notebook) else 'unchanged'}", flush=True)
        for cover in covers(notebook):
            image = path.parent / "images" / f"{path.stem}.png"
            image.parent.mkdir(exist_ok=True)
            image.write_bytes(cover)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
