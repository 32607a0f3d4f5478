"""The benchmark: it takes the lesson's own code, names what is missing, and reads the errors of the formulas."""

import inspect
import json
import sys

import nbformat
import pandas as pd
import pytest

from mqlab.broker import Broker
from tests.test_commands import dry_run
from tools import bench, bench_lanes, bench_libraries, bench_queues, bench_theory


def notebook(path, *cells, printed=""):
    """A notebook of these cells; the last has printed this."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    if printed:
        made.cells[-1].outputs = [nbformat.v4.new_output("stream", text=printed)]
    nbformat.write(made, path)
    return path


@pytest.fixture(scope="module")
def broker():
    with Broker.start(private=True) as started:
        yield started


def test_make_calls_it_with_kafka_at_hand():
    kafka, line = dry_run("bench", "ARGS=--part theory").splitlines()
    assert kafka.endswith("tools/kafka.py") and line.endswith("python -m tools.bench --part theory")


# --- task queues ---


def test_the_lessons_own_code_runs_jobs_on_a_real_broker(broker):
    case = next(case for case in bench_queues.CASES if case.name == bench_queues.BATCHES)
    rates = bench_queues.measure(case, broker, share=0.01)
    assert set(rates) == set(bench_queues.MEASURED) and min(rates.values()) > 0
    assert rates["computing"] < 1000 and rates["waiting"] < 1000, "a job of 1 ms takes 1 ms"
    assert broker.client().llen("bench:no-op") == 25


def test_the_lessons_source_is_that_of_its_notebook():
    code = bench_queues.lesson_code("QUEUE", "bare")
    cells = "\n".join(cell.source for cell in nbformat.read(bench_queues.LESSON, 4).cells)
    assert code["work"] in code["QUEUE"]
    for name in ("work", "complete", "bare"):
        assert inspect.getsource(code[name]) in cells


def test_only_what_is_used_is_run(tmp_path):
    path = notebook(
        tmp_path / "04.ipynb",
        "import json\nimport no_such_module",
        "LIMIT = 3\nbroker = 1 / 0\nOTHER = 1 / 0",
        "def helper(broker):\n    OTHER = LIMIT\n    return json.dumps(OTHER + broker)",
        "def wanted():\n    return helper(4)\n\nraise SystemExit",
    )
    code = bench_queues.lesson_code("wanted", path=path)
    assert code["wanted"]() == "7" and "broker" not in code and "OTHER" not in code
    with pytest.raises(LookupError, match="does not define gone"):
        bench_queues.lesson_code("wanted", "gone", path=path)


def test_a_missing_library_is_named_in_one_line(monkeypatch):
    def no_environment(name):
        raise RuntimeError(f".bench/{name} cannot be made: no network")

    monkeypatch.setattr(bench_queues, "other_python", no_environment)
    monkeypatch.setattr(
        bench_queues, "ENVIRONMENTS", {"": {"celery": "json", "rq": "no_such_module"}, "taskiq": {"huey": "huey"}}
    )
    found, lines = bench_queues.pythons()
    assert found == {"celery": sys.executable}
    assert lines == [
        "rq: `import no_such_module` fails in the course's environment; its rows are left out.",
        ".bench/taskiq cannot be made: no network. The rows of huey are left out.",
    ]


def test_an_environment_that_cannot_be_installed_says_why(tmp_path, monkeypatch):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/bench-x.txt").write_text("not a requirement\n")
    monkeypatch.setattr(bench_queues, "ROOT", tmp_path)
    monkeypatch.setattr(bench_queues, "FOLDER", tmp_path / ".bench")
    with pytest.raises(RuntimeError, match=r"^\.bench/x cannot be made: .+$"):
        bench_queues.other_python("x")


def test_what_fails_is_left_out_with_its_reason(monkeypatch):
    case = bench_queues.Case("broken", "rq", settings={})  # RQ's settings are missing
    monkeypatch.setattr(bench_queues, "pythons", lambda: ({"rq": sys.executable}, []))
    runs, lines = bench_queues.rounds(2, 0.01, [case])
    assert runs.empty and lines.count("broken: left out, since its producer ended: KeyError: 'tuned'") == 1


def test_a_busy_machine_is_said(monkeypatch):
    monkeypatch.setattr(bench_queues, "pythons", lambda: ({}, []))
    case = bench_queues.Case("bare", worker="bare", counts=(2, 2, 2))
    for share, said in ((0.5, True), (0.99, False)):
        monkeypatch.setattr(bench_queues, "cpu_share", lambda share=share: share)
        assert any("A busy loop got 50%" in line for line in bench_queues.rounds(1, 1, [case])[1]) is said
    monkeypatch.undo()
    assert 0 < bench_queues.cpu_share() < 1.1


def test_every_library_of_the_table_can_be_run():
    known = {library for libraries in bench_queues.ENVIRONMENTS.values() for library in libraries}
    assert {case.library for case in bench_queues.CASES} - {""} == known
    assert all(callable(getattr(bench_libraries, library)) for library in known)
    json.dumps([case.settings for case in bench_queues.CASES])


@pytest.fixture
def runs():
    """Two rounds: batches twice as fast as Celery, and slower than Huey, which is not at-least-once."""
    speed = {bench_queues.BARE: 1000, bench_queues.BATCHES: 800, "Celery, acks_late, solo": 400, "Huey, 1 thread": 900}
    rows = [(n, case, *[jobs * (n + 1)] * 3, 1, 1e6 / jobs) for n in range(2) for case, jobs in speed.items()]
    return pd.DataFrame(rows, columns=["round", "case", *bench_queues.MEASURED])


def test_goals_say_what_is_reached(runs):
    *lines, cpu = bench.goals(runs)
    assert [line[:11].strip() for line in lines] == ["PASS", *["not reached"] * 4]
    assert [float(line[11:18]) for line in lines] == [0.8, 2, 0.89, 0.89, 0.89]
    assert float(cpu[11:18]) == 2 and lines[0].endswith("(best rounds: 0.80)")


def test_the_table_compares_within_a_round_and_the_figure_is_drawn(runs, tmp_path, monkeypatch):
    table = bench.queue_table(runs)
    assert table["batches/it"].to_dict() == pytest.approx(
        {bench_queues.BARE: 0.8, bench_queues.BATCHES: 1, "Celery, acks_late, solo": 2, "Huey, 1 thread": 8 / 9}
    )
    assert table["at least once"]["Huey, 1 thread"] == "no"
    monkeypatch.setattr(bench, "FOLDER", tmp_path)
    assert bench.queue_figure(runs, table).read_bytes().startswith(b"\x89PNG")


# --- batches and set-up ---


def test_without_the_servers_tool_redis_py_stands_alone(monkeypatch):
    monkeypatch.setattr(bench.shutil, "which", lambda name: None)
    table, lines = bench.batch_rounds(1, seconds=0.01)
    assert lines == ["no valkey-benchmark or redis-benchmark on the PATH: redis-py alone"]
    assert len(table) == 8 and (table["redis-py"] > 0).all() and "tool" not in table


def test_the_number_of_the_servers_tool_is_read(tmp_path, broker):
    tool = tmp_path / "redis-benchmark"
    tool.write_text('#!/bin/sh\necho \'"test","rps","avg"\'\necho \'"XADD k","1234.50","0.1"\'\n')
    tool.chmod(0o755)
    assert bench.by_server_tool(str(tool), broker, "XADD", 16, 100) == 1234.5
    tool.write_text("#!/bin/sh\necho 'no connection' >&2\nexit 1\n")
    with pytest.raises(RuntimeError, match="gave no number: no connection"):
        bench.by_server_tool(str(tool), broker, "XADD", 16, 100)


def test_a_broker_is_timed_to_its_first_answer():
    [found] = bench.seconds(bench.broker_answers, 1)
    assert 0 < found < 10


# --- theory ---

PRINTED = """\
peak: 232 measured; fluid 240 (error -3%); path 228 (+2%)
share 45.2% (error -0.8 points)
mean error 1.0%, largest 12.5%
the worst of 12 means is 2.9% off theory
cut off after 1.2 s; no error; 5% of all
 rate  theory  error
    1    2.00  0.020
    2    4.00 -0.500
done: 7.31
 rate  error (points)
    1           -4.50
"""


def test_the_theory_table_reads_a_planted_notebook(tmp_path):
    notebook(tmp_path / "03-planted.ipynb", "print(1)", printed=PRINTED)
    notebook(tmp_path / "07-silent.ipynb", "print(1)", printed="error of nothing\n")
    found = bench_theory.table(tmp_path)
    assert set(found.lesson) == {"03"}
    assert list(zip(found.error, found.unit, strict=True)) == [
        (-3, "%"), (-0.8, "points"), (12.5, "%"), (2.9, "%"), (2, "%"), (-50, "%"), (-4.5, "points"),
    ]  # fmt: skip
    assert found.text.iloc[0].startswith("peak: 232") and found.text.iloc[5] == "2 4.00 -0.500"
    said = bench_theory.summary(found)
    assert "7 errors, in % or points; median 3.0; beyond 10: 2" in said and "50.0" in said


def test_the_lessons_of_the_course_are_read():
    found = bench_theory.table(bench.ROOT / "notebooks")
    assert {"01", "03", "10"} <= set(found.lesson) and len(found) > 100
    assert found.error.abs().max() < 300, "a number was read that is no error"


# --- two lessons at a time ---


def test_two_lanes_run_at_the_same_time(tmp_path):
    """Each lesson waits for a file of the other."""
    meet = """import pathlib, time
pathlib.Path(me).touch()
end = time.monotonic() + 20
while not pathlib.Path(other).exists():
    assert time.monotonic() < end
    time.sleep(0.01)
print("error +3%, error -1%")"""
    names, folder = ("01-one", "02-two"), tmp_path / "copies"
    folder.mkdir()
    paths = [
        notebook(tmp_path / f"{me}.ipynb", f"me, other = {me!r}, {other!r}", meet)
        for me, other in (names, names[::-1])
    ]
    found = bench_lanes.run(paths, 2, folder)
    assert tuple(found.index) == names and set(found.failed) == {""}
    assert found.errors.tolist() == [[3.0], [3.0]]


def test_a_lesson_that_fails_is_said_and_the_others_run(tmp_path):
    paths = [notebook(tmp_path / "01-a.ipynb", "1 / 0"), notebook(tmp_path / "02-b.ipynb", "print('error 12 %')")]
    table, *lines = bench_lanes.compare(paths).rsplit("\n", 4)
    assert "01-a" in table and "12.0" in table
    assert sum("1 failed" in line and "beyond 10: 1" in line for line in lines) == 2
    assert sum("ZeroDivisionError" in line for line in lines) == 2
