"""labs/ are in step with solutions/, bad markers are loud, unsolved labs say *not attempted* throughout."""

import json
from pathlib import Path

import nbformat
import pytest

from tests import hygiene, planted
from tests.leftovers import Watch
from tools import labs, notebooks

ROOT = Path(__file__).resolve().parents[1]
LABS = sorted((ROOT / "labs").glob("*.ipynb"))
RIGHT = "def f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION"


# --- the labs of the course ---


def test_labs_are_in_step_with_solutions():
    assert LABS, "no labs: run `make labs`"
    behind = labs.out_of_step(labs.make(ROOT / "solutions"), ROOT / "labs")
    assert not behind, f"{', '.join(behind)}: run `make labs`"


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.stem)
def test_unsolved_lab_reports_not_attempted(path):
    """Run All in a lab as handed out: no error, *not attempted* in each check, none passed, nothing left."""
    watch = Watch(ROOT)
    try:
        lab = notebooks.execute(path, env=watch.env)  # raises if a cell does
        left = watch.left()
    finally:
        watch.close()
    checks = [cell for cell in hygiene.code_cells(lab) if "check" in hygiene.tags(cell)]
    assert checks
    for cell in checks:
        said = "".join(hygiene.output_text(output) for output in cell.outputs)
        asked = cell.source.count("check(")
        assert said.count("not attempted") >= asked, f"cell {cell.id}: {said}"
    everything = "".join(hygiene.output_text(output) for _, output in hygiene.outputs(lab))
    assert ": passed" not in everything
    assert not left, f"left behind: {left}"


# --- making labs ---


@pytest.fixture
def folders(tmp_path):
    """solutions/ with one sound solution, and labs/ with what an earlier run left."""
    solutions, made = tmp_path / "solutions", tmp_path / "labs"
    solutions.mkdir()
    made.mkdir()
    nbformat.write(planted.solution(), solutions / "01-sample.ipynb")
    (made / "00-gone.ipynb").write_text("its solution is gone")
    return solutions, made


def arguments(folders, *more):
    return ["--solutions", str(folders[0]), "--labs", str(folders[1]), *more]


def plant(folders, source: str, kind: str = "code"):
    """Put this source in the second cell of the solution."""
    path = folders[0] / "01-sample.ipynb"
    notebook = nbformat.read(path, as_version=4)
    new = planted.code(source) if kind == "code" else planted.text(source)
    new.id = notebook.cells[1].id
    notebook.cells[1] = new
    nbformat.write(notebook, path)


def test_lab_keeps_all_but_the_solution(folders):
    plant(
        folders,
        "class Queue:\n    def put(self, x):\n        # TODO: one command\n" + RIGHT.replace("\n", "\n    "),
    )
    assert labs.main(arguments(folders)) == 0
    lab = nbformat.read(folders[1] / "01-sample.ipynb", as_version=4)
    solution = nbformat.read(folders[0] / "01-sample.ipynb", as_version=4)
    assert [cell.id for cell in lab.cells] == [cell.id for cell in solution.cells]
    assert [cell.metadata for cell in lab.cells] == [cell.metadata for cell in solution.cells]
    assert all(not cell.outputs and cell.execution_count is None for cell in hygiene.code_cells(lab))
    assert lab.cells[1].source.endswith("\n        raise NotImplementedError")
    assert "# TODO: one command" in lab.cells[1].source
    assert "return" not in "".join(cell.source for cell in hygiene.code_cells(lab))


def test_cells_for_readers_of_the_solution_are_left_out(folders):
    path = folders[0] / "01-sample.ipynb"
    notebook = nbformat.read(path, as_version=4)
    note = planted.text("This notebook holds the solutions.")
    note.metadata.tags = ["solution"]
    notebook.cells.insert(1, note)
    nbformat.write(notebook, path)
    assert labs.main(arguments(folders)) == 0
    lab = nbformat.read(folders[1] / "01-sample.ipynb", as_version=4)
    assert [cell.id for cell in lab.cells] == [cell.id for cell in notebook.cells if cell.id != note.id]


def test_labs_are_the_same_each_time_and_labs_without_solution_go(folders, capsys):
    assert labs.main(arguments(folders)) == 0
    first = {path.name: path.read_bytes() for path in folders[1].iterdir()}
    assert list(first) == ["01-sample.ipynb"]
    assert labs.main(arguments(folders)) == 0
    assert {path.name: path.read_bytes() for path in folders[1].iterdir()} == first
    assert "changed: none" in capsys.readouterr().out


def test_check_writes_nothing(folders, capsys):
    assert labs.main(arguments(folders, "--check")) == 1
    assert "00-gone.ipynb, 01-sample.ipynb" in capsys.readouterr().out
    assert [path.name for path in folders[1].iterdir()] == ["00-gone.ipynb"]
    labs.main(arguments(folders))
    assert labs.main(arguments(folders, "--check")) == 0


def test_several_regions_in_one_cell():
    source, regions, errors = labs.cut(f"{RIGHT}\n\n\n{RIGHT}")
    assert (regions, errors) == (2, [])
    assert source == "def f():\n    raise NotImplementedError\n\n\ndef f():\n    raise NotImplementedError"


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("def f():\n    ### BEGIN SOLUTION\n    return 1", 2, "BEGIN without an END"),
        ("def f():\n    return 1\n    ### END SOLUTION", 3, "END without a BEGIN"),
        (RIGHT.replace("return 1", "### BEGIN SOLUTION"), 3, "BEGIN inside the region of line 2"),
        (f"{RIGHT}\n    ### END SOLUTION", 5, "END without a BEGIN"),
        (RIGHT.replace("    return 1\n", ""), 3, "nothing between BEGIN and END"),
        (RIGHT.replace("    ### END", "### END"), 4, "END is not indented like its BEGIN"),
        (RIGHT.replace("### BEGIN", "#BEGIN"), 2, "looks like a marker"),
        (RIGHT.replace("### BEGIN", "## BEGIN"), 2, "looks like a marker"),
        (RIGHT.replace("### BEGIN SOLUTION", "### begin solution"), 2, "looks like a marker"),
        (RIGHT.replace("### BEGIN SOLUTION", "### BEGIN SOLUTIONS"), 2, "looks like a marker"),
        (RIGHT.replace("### BEGIN SOLUTION", "### BEGIN_SOLUTION"), 2, "looks like a marker"),
        (RIGHT.replace("### BEGIN SOLUTION", "### SOLUTION BEGIN"), 2, "looks like a marker"),
        (RIGHT.replace("### END SOLUTION", "### END SOLUTION here"), 4, "looks like a marker"),
        (RIGHT.replace("### END SOLUTION", "### ENDSOLUTION"), 4, "looks like a marker"),
        ('TEXT = "SOLUTION"', 1, "looks like a marker"),
    ],
)
def test_bad_marker_is_an_error_with_its_place(folders, capsys, source, line, message):
    plant(folders, source)
    assert labs.main(arguments(folders)) == 1
    said = capsys.readouterr().err
    assert f"01-sample.ipynb, cell cell-1, line {line}: " in said and message in said
    assert [path.name for path in folders[1].iterdir()] == ["00-gone.ipynb"], "labs/ was touched"


def test_marker_in_a_text_cell_is_an_error(folders, capsys):
    plant(folders, "Write it.\n\n### BEGIN SOLUTION", kind="text")
    assert labs.main(arguments(folders)) == 1
    assert "cell cell-1, line 3: marker in a markdown cell" in capsys.readouterr().err


def test_solution_without_any_region_is_an_error(folders, capsys):
    path = folders[0] / "02-open.ipynb"
    nbformat.write(planted.notebook([planted.code("print('all of it')")]), path)
    assert labs.main(arguments(folders)) == 1
    assert "02-open.ipynb: no '### BEGIN SOLUTION'" in capsys.readouterr().err


def test_all_bad_markers_are_reported_at_once(folders, capsys):
    plant(folders, "### END SOLUTION\n### BEGIN SOLUTION")
    labs.main(arguments(folders))
    assert len(capsys.readouterr().err.splitlines()) == 3


# --- storing executed notebooks ---


@pytest.fixture
def stored(tmp_path):
    """Write a notebook of these code cells; its path."""

    def stored(*sources: str, folder: str = "notebooks") -> Path:
        path = tmp_path / folder / "01-sample.ipynb"
        path.parent.mkdir()
        made = planted.notebook([planted.code(source) for source in sources])
        made.cells[0].metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
        nbformat.write(made, path)
        return path

    return stored


def test_notebook_is_stored_the_same_each_time(stored, capsys):
    # A child's output comes by another way than the cell's own, so their order in one cell is left to chance.
    path = stored("print('a')\nprint('b')", "import subprocess\nprocess = subprocess.run(['echo', 'child'])")
    assert notebooks.main([str(path)]) == 0
    first = path.read_bytes()
    cell, parent = json.loads(first)["cells"]
    assert cell["execution_count"] == 1 and "execution" not in cell["metadata"]
    assert parent["outputs"][0]["text"] == ["child\n"]
    assert json.loads(first)["metadata"]["language_info"] == {"name": "python"}
    assert notebooks.main([str(path)]) == 0
    assert path.read_bytes() == first
    assert "unchanged" in capsys.readouterr().out


def test_a_kernel_whose_ports_were_taken_is_started_again():
    tried = []

    def start(message: str, successes_after: int):
        tried.append(1)
        if len(tried) <= successes_after:
            raise RuntimeError(message)
        return "started"

    died = "Kernel died before replying to kernel_info"
    assert notebooks.despite_taken_ports(lambda: start(died, 2)) == "started" and len(tried) == 3
    for message, most in ((died, 3), ("something else", 1)):
        tried.clear()
        with pytest.raises(RuntimeError, match=message):
            notebooks.despite_taken_ports(lambda message=message: start(message, 9))
        assert len(tried) == most


def test_failed_notebook_is_not_stored(stored, capsys):
    path = stored("print(1)", "1 / 0")
    before = path.read_bytes()
    assert notebooks.main([str(path)]) == 1
    assert path.read_bytes() == before
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize(("folder", "strict"), [("notebooks", "None"), ("solutions", "1")])
def test_checks_are_strict_in_solutions_only(stored, folder, strict, monkeypatch):
    monkeypatch.setenv("MQLAB_STRICT", "1")
    path = stored("import os\nprint(os.environ.get('MQLAB_STRICT'))", folder=folder)
    assert notebooks.main([str(path)]) == 0
    [cell] = nbformat.read(path, as_version=4).cells
    assert cell.outputs[0].text == f"{strict}\n"


def test_labs_are_never_executed_in_place(stored, capsys):
    path = stored("print(1)", folder="labs")
    assert notebooks.main([str(path)]) == 1
    assert "run `make labs`" in capsys.readouterr().err
