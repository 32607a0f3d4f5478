"""The course under conditions that its authors did not have: other servers, other places, other runners, run twice.

Lesson 01's solution is run under each of them by default, which takes seconds. Every lesson and solution is run with
`make test ARGS="-n 0 -m conditions"`, which takes hours; choose with LESSON=07 or -k "unix_socket and 07".
"""

import concurrent.futures
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import nbconvert
import nbformat
import pytest
from jupyter_client import BlockingKernelClient, write_connection_file
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests import servers
from tests.disks import make_read_only, mounted
from tools import notebooks

ROOT = Path(__file__).resolve().parents[1]
PATHS = [f"notebooks/{path.name}" for path in sorted(ROOT.glob("notebooks/*.ipynb"))]
PATHS += [f"solutions/{path.name}" for path in sorted(ROOT.glob("solutions/*.ipynb"))]
ALWAYS = "solutions/01-message-queue-basics.ipynb"
EVERY = [pytest.param(path, marks=() if path == ALWAYS else pytest.mark.conditions) for path in PATHS]


@contextlib.contextmanager
def ascii_locale():
    yield {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


PLACES = {"ascii_locale": ascii_locale}


@pytest.mark.parametrize("path", EVERY)
@pytest.mark.parametrize("condition", [*servers.SERVERS, *PLACES])
def test_runs_under(condition, path):
    with {**servers.SERVERS, **PLACES}[condition]() as environment:
        notebooks.execute(ROOT / path, strict=path.startswith("solutions"), env=environment)


@pytest.mark.parametrize("path", EVERY)
def test_runs_in_a_copy_elsewhere(path, tmp_path):
    """Copied into a folder with spaces and letters beyond ASCII, away from mqlab's checkout."""
    copy = tmp_path / "mein Kurs é 课" / Path(path).name
    copy.parent.mkdir()
    shutil.copy(ROOT / path, copy)
    notebooks.execute(copy, strict=path.startswith("solutions"))


@pytest.mark.parametrize("path", EVERY)
def test_runs_in_a_read_only_checkout_and_home(path, tmp_path):
    """As an installation for a whole class may be: nothing but the temporary directory can be written to."""
    place = tmp_path / "shared"
    with mounted(place, "size=50m"):
        (place / "home").mkdir()
        for folder in ("mqlab", "notebooks", "solutions"):
            shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__"))
        make_read_only(place)
        home = {"HOME": str(place / "home"), "PYTHONPATH": str(place)}
        notebooks.execute(place / path, strict=path.startswith("solutions"), env=home)


@pytest.mark.parametrize("path", EVERY)
def test_runs_twice_in_one_kernel(path):
    notebook = nbformat.read(ROOT / path, 4)
    notebook.cells = twice(notebook.cells)
    run(notebook, ROOT / path)


@pytest.mark.parametrize("path", EVERY)
def test_runs_after_interrupts(path):
    """Every cell without imports is interrupted after 0.15 s, as by the button; then all run, in the same kernel."""
    notebook = nbformat.read(ROOT / path, 4)
    client = client_for(notebook, ROOT / path)
    code = [(index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    interrupted = 0
    with client.setup_kernel(env=environment(path)):
        for index, cell in code:
            # NumPy interrupted in the middle of its import cannot be imported again; that is not ours to repair.
            with interrupting(client, after=60 if "import" in cell.source else 0.15):
                with contextlib.suppress(CellExecutionError):
                    client.execute_cell(cell, index)
            interrupted += "interrupt" in str(cell.outputs).lower()  # a check says so; elsewhere it is an exception
        for index, cell in code:
            client.execute_cell(cell, index)
    assert interrupted


@pytest.mark.parametrize("path", EVERY)
def test_two_at_once(path):
    """The same notebook in two kernels at the same time: each has its own broker, its own files."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for each in [pool.submit(notebooks.execute, ROOT / path, path.startswith("solutions")) for _ in range(2)]:
            each.result()


@pytest.mark.parametrize("path", EVERY)
def test_jupyter_execute_runs_it(path):
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "execute", str(ROOT / path)],
        cwd="/",
        env=environment(path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("path", EVERY)
def test_a_kernel_without_jupyter_runs_it(path, tmp_path):
    """As VS Code starts one: ipykernel itself, a client on its ports, the notebook's path in a variable."""
    notebook = nbformat.read(ROOT / path, 4)
    connection = str(tmp_path / "kernel.json")
    _, ports = write_connection_file(connection)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", connection]
    kernel = subprocess.Popen(command, cwd=ROOT / Path(path).parent, env=environment(path), stderr=subprocess.DEVNULL)
    client = BlockingKernelClient()
    client.load_connection_info(ports)
    client.start_channels(hb=False)  # a heart that is slow to begin would count as dead
    try:
        client.wait_for_ready(timeout=60)
        cells = [f"__vsc_ipynb_file__ = {str(ROOT / path)!r}"]
        cells += [cell.source for cell in notebook.cells if cell.cell_type == "code"]
        for source in cells:
            reply = client.execute_interactive(source, timeout=60, allow_stdin=False, output_hook=lambda message: None)
            assert reply["content"]["status"] == "ok", "\n".join(reply["content"]["traceback"])
    finally:
        client.stop_channels()
        kernel.kill()
        kernel.wait()


@pytest.mark.conditions
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("runner", ["papermill", "nbmake"])
def test_other_runners_run_it(runner, path, tmp_path):
    """Neither is installed with the course: `pip install papermill nbmake` before."""
    if importlib.util.find_spec(runner) is None:
        pytest.skip(f"{runner} is not installed")
    command = ["papermill", str(ROOT / path), str(tmp_path / "done.ipynb"), "--cwd", str((ROOT / path).parent)]
    if runner == "nbmake":
        # Our own settings make nbval run every notebook; a project that uses nbmake has others.
        command = ["pytest", "-c", os.devnull, f"--rootdir={tmp_path}", "-p", "no:nbval", "-p", "no:cacheprovider"]
        command += ["--noconftest", "--nbmake", "--nbmake-timeout=60", str(ROOT / path)]
    line = [sys.executable, "-m", *command]
    done = subprocess.run(line, cwd=tmp_path, env=environment(path), capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]


@pytest.mark.parametrize("exporter", ["HTMLExporter", "SlidesExporter"])
@pytest.mark.parametrize("path", EVERY)
def test_converts(exporter, path):
    body, _ = getattr(nbconvert, exporter)().from_filename(ROOT / path)
    notebook = nbformat.read(ROOT / path, 4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = sum("image/png" in output.get("data", {}) for output in outputs)
    assert body.count("data:image/png;base64") >= pictures and "<h1" in body


# ---------------------------------------------------------------- running cells


def environment(path: str) -> dict[str, str]:
    changed = {name: value for name, value in os.environ.items() if name not in ("MQLAB_STRICT", "PYTEST_CURRENT_TEST")}
    return changed | ({"MQLAB_STRICT": "1"} if path.startswith("solutions") else {})


def client_for(notebook, path: Path) -> NotebookClient:
    return NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )


def run(notebook, path: Path) -> None:
    client_for(notebook, path).execute(env=environment(f"{path.parent.name}/{path.name}"))


def twice(cells: list) -> list:
    again = [nbformat.from_dict({**cell, "id": f"{cell.id[:60]}-ii"}) for cell in cells]
    return [*cells, *again]


@contextlib.contextmanager
def interrupting(client: NotebookClient, after: float):
    """Interrupt the kernel, as the button in JupyterLab does, `after` seconds from now unless it is over before."""
    timer = threading.Timer(after, lambda: os.kill(client.km.provisioner.pid, signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
