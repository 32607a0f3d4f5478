"""The soak: what it runs, how it counts, and that it notices what fails."""

import json
import os
import textwrap

import nbformat
import psutil
import pytest

from tools import soak

SLUG = "01-message-queue-basics"


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one lesson; what is run is noted in `runs`, and solutions fail."""
    for folder in ("notebooks", "solutions", "mqlab"):
        (tmp_path / folder).mkdir()
        if folder != "mqlab":
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1", id="sum")])
            nbformat.write(notebook, tmp_path / folder / f"{SLUG}.ipynb")
    (tmp_path / "mqlab/kafka.properties").write_text("")
    monkeypatch.setattr(soak, "ROOT", tmp_path)
    monkeypatch.setattr(soak, "RESULTS", tmp_path / ".soak/results.jsonl")
    monkeypatch.setattr(
        soak, "units", lambda lesson=None: {f"{name}/{SLUG}": [] for name in ("notebooks", "solutions")}
    )

    def run(unit, arguments, busy):
        failed = {"sum": "not three"} if unit.startswith("solutions") else {}
        return {"unit": unit, "busy": busy, "seconds": 1.5, "failed": failed, "digest": soak.digest(unit)}

    monkeypatch.setattr(soak, "run", run)
    return tmp_path


def test_every_lesson_solution_and_its_answers_are_run():
    names = [path.stem for path in sorted(soak.ROOT.glob("notebooks/*.ipynb"))]
    assert set(soak.units()) == {f"{kind}/{name}" for kind in ("notebooks", "solutions", "answers") for name in names}
    assert list(soak.units("01")) == [f"{kind}/{SLUG}" for kind in ("notebooks", "solutions", "answers")]


def test_it_runs_what_is_missing_and_counts_what_fails(course, capsys):
    assert soak.main(["--runs", "2"]) == 1
    said = capsys.readouterr().out
    assert said.count("run 1  calm") == said.count("run 2  busy") == 2
    assert "4 runs, 2 failed" in said and f"2 x solutions/{SLUG} sum: not three" in said
    soak.main(["--runs", "3"])
    assert capsys.readouterr().out.count("run 3  calm") == 2, "what has run is not run again"
    lines = (course / ".soak/results.jsonl").read_text().splitlines()
    assert [bool(json.loads(line)["failed"]) for line in lines] == [False, True] * 3
    assert soak.main(["--report"]) == 1 and "6 runs, 3 failed" in capsys.readouterr().out


def test_what_was_measured_before_a_change_does_not_count(course, capsys):
    soak.main(["--runs", "1"])
    path = course / "solutions" / f"{SLUG}.ipynb"
    path.write_text(path.read_text().replace("1 + 1", "1 + 2"))
    assert soak.main(["--report"]) == 0
    assert "1 runs, 0 failed" in capsys.readouterr().out


def test_a_stored_output_changes_nothing(course):
    before = soak.digest(f"notebooks/{SLUG}")
    notebook = nbformat.read(course / "notebooks" / f"{SLUG}.ipynb", 4)
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text="2")]
    nbformat.write(notebook, course / "notebooks" / f"{SLUG}.ipynb")
    assert soak.digest(f"notebooks/{SLUG}") == before


def test_a_run_notices_what_fails_and_that_nothing_was_tested(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_good(): pass\ndef test_bad(): assert 1 + 1 == 3, 'not three'\n")
    result = soak.run(f"notebooks/{SLUG}", [str(tmp_path)], busy=False)
    assert list(result["failed"]) == ["test_bad"] and "not three" in result["failed"]["test_bad"]
    result = soak.run(f"answers/{SLUG}", [str(tmp_path), "-k", "nothing"], busy=False)
    assert "deselected" in result["failed"]["pytest"]


def test_busy_loops_are_as_many_as_cpus_and_end():
    before = {child.pid for child in psutil.Process().children()}
    with soak.busy_cpus(True):
        loops = [child for child in psutil.Process().children() if child.pid not in before]
        assert len(loops) == os.cpu_count()
    assert not any(loop.is_running() for loop in loops)
    with soak.busy_cpus(False):
        assert {child.pid for child in psutil.Process().children()} <= before


def test_the_first_line_of_a_failure_is_kept(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(
        textwrap.dedent("""\
        <testsuites><testsuite><testcase name="good"/><testcase name="bad"><failure message="first&#10;second"/>
        </testcase></testsuite></testsuites>""")
    )
    assert soak.failures(report) == {"bad": "first"}


def test_an_unknown_lesson_is_said(capsys):
    with pytest.raises(SystemExit):
        soak.main(["--lesson", "77"])
    assert "there is no lesson 77" in capsys.readouterr().err
