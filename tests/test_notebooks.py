"""The stored notebooks: what nbval does not see, and the proof that each test here, and nbval, can fail."""

import copy
import re
from pathlib import Path

import nbformat
import pytest

from tests import hygiene, links, planted
from tools import notebooks

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("notebooks", "solutions", "labs")
STORED = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.ipynb"))
SLUGS = sorted({path.stem for path in STORED})
# The reading list of the course; its order and its names are fixed. Further lessons need no entry here.
READING_LIST = """
01-message-queue-basics 02-queue-topic-stream 03-producer-consumer 04-task-queues 05-dead-letter-queue
06-pub-sub 07-message-ordering 08-exactly-once 09-retry-strategies 10-priority-queues
11-event-sourcing 12-kafka-streams 13-saga-pattern 14-cqrs 15-message-batching
""".split()


def read(path: Path):
    return nbformat.read(path, as_version=4)


def case(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


# --- what is stored ---


@pytest.mark.parametrize("folder", FOLDERS)
def test_there_are_notebooks(folder):
    """Without any, every test below would pass by testing nothing."""
    assert list((ROOT / folder).glob("*.ipynb")), f"no notebook in {folder}/"


@pytest.mark.parametrize(
    ("path", "check"),
    [
        pytest.param(path, check, id=f"{case(path)}-{check.__name__}")
        for path in STORED
        for check in hygiene.CHECKS[path.parent.name]
    ],
)
def test_stored_notebook(path, check):
    found = check(read(path), path)
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize("slug", SLUGS)
def test_every_part_of_a_lesson_is_there_under_one_name(slug):
    parts = [ROOT / folder / f"{slug}.ipynb" for folder in FOLDERS]
    parts += [
        ROOT / "mqlab" / "checks" / f"lab_{slug.replace('-', '_')}.py",
        ROOT / "tests" / "answers" / slug,
    ]
    missing = [str(part.relative_to(ROOT)) for part in parts if not part.exists()]
    assert not missing, f"lesson {slug} lacks {', '.join(missing)}"


def test_no_part_without_a_lesson():
    names = {path.stem.removeprefix("lab_").replace("_", "-") for path in (ROOT / "mqlab/checks").glob("lab_*.py")}
    names |= {path.name for path in (ROOT / "tests/answers").glob("[0-9]*")}
    assert names <= set(SLUGS), f"checks or answers without a notebook: {sorted(names - set(SLUGS))}"


@pytest.mark.parametrize("path", [p for p in STORED if p.parent.name == "notebooks"], ids=case)
def test_cover_is_the_stored_figure(path):
    """What the README shows is what a run of the lesson stored."""
    figures, image = notebooks.covers(read(path)), path.parent / "images" / f"{path.stem}.png"
    assert len(figures) <= 1, "only one cell of a lesson can be tagged cover"
    assert image.exists() == bool(figures), f"{image.name}: run `make notebooks`"
    if figures:
        assert image.read_bytes() == figures[0], f"{image.name} is of another run: run `make notebooks`"


def test_readme_links_are_alive():
    path = ROOT / "README.md"
    found = links.defects(path.read_text(encoding="utf-8"), path)
    assert not found, "\n".join(["", *found])


def test_readme_lists_all_lessons_and_links_those_that_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [row for row in text.splitlines() if row.lstrip().startswith("|")]
    missing = [slug for slug in dict.fromkeys(READING_LIST + SLUGS) if not any(slug in row for row in rows)]
    assert not missing, f"no row in a table of README.md for {', '.join(missing)}"
    for folder in ("notebooks", "labs", "solutions"):
        linked = {Path(target).stem for target in re.findall(rf"\]\(({folder}/[^)#]+\.ipynb)\)", text)}
        there = {path.stem for path in (ROOT / folder).glob("*.ipynb")}
        if folder == "notebooks" or linked:
            assert linked == there, f"README.md links {sorted(linked)} of {folder}/, and there are {sorted(there)}"


# --- planted defects: each test above can fail ---


def cell(notebook, source: str):
    """The cell that contains this text."""
    return next(cell for cell in notebook.cells if source in cell.source)


def without(notebook, source: str):
    """Remove the cell that contains this text, and keep the counts in order."""
    notebook.cells.remove(cell(notebook, source))
    for count, other in enumerate(hygiene.code_cells(notebook), 1):
        other.execution_count = count


def put(**values):
    """A defect: set these keys of the cell that contains `where`."""
    where = values.pop("where")

    def plant(notebook):
        cell(notebook, where).update(values)

    return plant


def source(where: str, old: str, new: str):
    """A defect: replace text in a cell's source."""

    def plant(notebook):
        target = cell(notebook, where)
        assert old in target.source
        target.source = target.source.replace(old, new)

    return plant


def strip(notebook):
    for other in hygiene.code_cells(notebook):
        other.outputs, other.execution_count = [], None


def retag(where: str, *tags: str):
    return put(where=where, metadata={"tags": list(tags)})


def output(where: str, *outputs):
    return put(where=where, outputs=list(outputs))


def first_picture(change):
    def plant(notebook):
        change(hygiene.images(notebook)[0][1])

    return plant


STREAM_ERROR = nbformat.v4.new_output("stream", name="stderr", text="UserWarning: deprecated\n")
STORED_ERROR = nbformat.v4.new_output("error", ename="KeyError", evalue="'id'", traceback=[])
# name: (plants the defect in a sound lesson, what the defect's message says)
LESSON_DEFECTS = {
    "never run": (strip, "execution counts"),
    "run out of order": (put(where="print(1 + 1)", execution_count=9), "execution counts"),
    "empty code cell": (put(where="print(1 + 1)", source=" "), "is empty"),
    "no output": (output("print(1 + 1)"), "has no output"),
    "comment marker": (
        source("print(1 + 1)", "print", "# NBVAL_IGNORE_OUTPUT: timing\nprint"),
        "a comment for nbval",
    ),
    "may raise": (retag("print(1 + 1)", "raises-exception"), "would let it do anything"),
    "ignored, not asserted": (source("assert 1 + 1", "assert 1 + 1 == 2", "pass"), "nothing is asserted"),
    "all ignored": (
        lambda nb: [c.update(metadata={"tags": [hygiene.IGNORE]}) for c in hygiene.code_cells(nb)],
        "compare no output",
    ),
    "stderr": (output("print(1 + 1)", STREAM_ERROR), "stored stderr"),
    "error": (output("print(1 + 1)", STORED_ERROR), "stored error"),
    "magic unknown": (output("print(1 + 1)", planted.printed("UsageError: no magic")), "UsageError"),
    "absolute path": (output("print(1 + 1)", planted.printed("in /home/ada/kiosk.py")), "absolute path"),
    "foreign kernel": (lambda nb: nb.metadata.kernelspec.update(name="my-env"), "kernelspec"),
    "version of Python": (lambda nb: nb.metadata.language_info.update(version="3.11"), "language_info"),
    "widget state": (lambda nb: nb.metadata.update(widgets={}), "widgets"),
    "time stamps": (put(where="print(1 + 1)", metadata={"execution": {}}), "execution"),
    "same id twice": (put(where="print(1 + 1)", id="cell-0"), "occurs 2 times"),
    "large picture": (first_picture(lambda out: out.data.update({"image/png": "A" * 140_000})), "picture of"),
    "large notebook": (output("print(1 + 1)", planted.printed("x" * 300_000)), "notebook of"),
    "long cell": (source("print(1 + 1)", "print(1 + 1)", "x = 1\n" * 30 + "print(1 + 1)"), "lines, at most"),
    "no alt text": (first_picture(lambda out: out.metadata.clear()), "alt text"),
    "other plain text": (
        first_picture(lambda out: out.data.update({"text/plain": "<Figure>"})),
        "plain text",
    ),
    "figure not asserted": (
        source("assert 1 + 1", "assert 1 + 1 == 2", "pass"),
        "asserts nothing about its data",
    ),
    "second title": (source("## Pitfalls", "## Pitfalls", "# Pitfalls"), "a second title"),
    "level left out": (source("## Pitfalls", "- One.", "#### Deep"), "leaves a level out"),
    "dead link": (source("## Pitfalls", "- One.", "[x](../labs/99-none.ipynb)"), "no such file"),
    "dead anchor": (source("## Pitfalls", "- One.", "[x](#no-such-part)"), "no such heading"),
    "dead HTML link": (source("## Pitfalls", "- One.", '<a href="gone.md">x</a>'), "no such file"),
    "wrong case": (source("## Pitfalls", "- One.", "[x](../readme.MD)"), "no such file"),
    "absolute link": (source("## Pitfalls", "- One.", "[x](/etc/hosts)"), "an absolute path"),
    "plain http": (source("## Pitfalls", "- One.", "[x](http://example.org)"), "only https"),
    "picture without alt": (source("## Pitfalls", "- One.", "![](../README.md)"), "says too little"),
    "img without alt": (source("## Pitfalls", "- One.", '<img src="../README.md">'), "no alt text"),
    "title": (source("# 01 · Sample", "# 01 · Sample", "# Sample"), "does not begin with '# 01"),
    "no lab link": (source("# 01 · Sample", "../labs/", "../notebooks/"), "no link to ../labs/"),
    "no Setup": (source("## Setup", "Setup", "Start"), "no section 'Setup'"),
    "sections in disorder": (
        lambda nb: nb.cells.insert(1, nb.cells.pop(nb.cells.index(cell(nb, "## Pitfalls")))),
        "not in this order",
    ),
    "two predictions": (source("## Count", "**Predict.**", "Think."), "2 questions with **Predict.**"),
    "three figures": (
        output("shows_four()", *[planted.picture() for _ in range(3)]),
        "3 figures, at least 4",
    ),
    "no table": (source("## In production", "|---|---|", ""), "no table"),
    "two questions": (source("## Quiz", "**3.**", "Three:"), "three quiz questions"),
    "answer not folded": (source("## Quiz", "**3.**", "**3.** Why?\n\n**4.**"), "three quiz questions"),
    "no reading": (
        source("## Further reading", "https://example.org/book", "../README.md"),
        "no link in the section",
    ),
    "no level": (lambda nb: nb.metadata.pop("mqlab"), "metadata mqlab"),
}
LAB_DEFECTS = {
    "two tasks": (lambda nb: retag("def two")(nb) or retag("check(two)")(nb), "2 cells tagged task"),
    "unchecked": (source("check(two)", "check(two)", "print('two')"), "none of ['two'] is checked"),
    "check of nothing": (source("def two", "def two", "def other"), "check(two) has no cell"),
    "other lab": (source("lab_checks", planted.SLUG, "02-other"), "no lab_checks"),
}


@pytest.fixture
def sample(tmp_path):
    """Paths of a lesson, its solution and its lab in a folder where their links are alive."""
    (tmp_path / "README.md").write_text("# Contents\n")
    paths = {folder: tmp_path / folder / f"{planted.SLUG}.ipynb" for folder in FOLDERS}
    for path in paths.values():
        path.parent.mkdir()
        path.write_text('{"cells": []}')
    return paths


def test_sound_notebooks_have_no_defect(sample):
    assert hygiene.defects(planted.lesson(), sample["notebooks"]) == []
    assert hygiene.defects(planted.solution(), sample["solutions"]) == []
    lab = planted.solution()
    strip(lab)
    assert hygiene.defects(lab, sample["labs"]) == []


@pytest.mark.parametrize("name", LESSON_DEFECTS)
def test_planted_defect_in_a_lesson_is_found(name, sample):
    plant, message = LESSON_DEFECTS[name]
    notebook = copy.deepcopy(planted.lesson())
    plant(notebook)
    found = hygiene.defects(notebook, sample["notebooks"])
    assert found and any(message in defect for defect in found), found


@pytest.mark.parametrize("name", LAB_DEFECTS)
def test_planted_defect_in_a_lab_is_found(name, sample):
    plant, message = LAB_DEFECTS[name]
    notebook = planted.solution()
    plant(notebook)
    assert any(message in defect for defect in hygiene.defects(notebook, sample["solutions"]))


def test_executed_lab_is_found(sample):
    found = hygiene.defects(planted.solution(), sample["labs"])
    assert found and all("was executed" in defect for defect in found)


# --- planted wrong outputs and wrong answers: strict nbval fails where it must ---


def up_to(notebook, last):
    """The notebook with nothing after this cell."""
    notebook.cells = notebook.cells[: notebook.cells.index(last) + 1]
    return notebook


def falsify(notebook):
    """Change the stored output of the first compared cell, and drop what comes after it."""
    for target in hygiene.code_cells(notebook):
        streams = [out for out in target.outputs if out.output_type == "stream"]
        if streams and hygiene.IGNORE not in hygiene.tags(target):
            streams[0].text = streams[0].text.rstrip("\n") + " (not true)\n"
            return up_to(notebook, target)
    raise AssertionError("no compared cell that prints")


def answer_wrongly(notebook, answer: Path):
    """Put a wrong answer in its task's cell, and drop what comes after the check of this task."""
    task = answer.stem.split("__")[0]
    target = next(
        c for c in notebook.cells if "task" in hygiene.tags(c) and re.search(rf"(def|class) {task}\b", c.source)
    )
    target.source = answer.read_text(encoding="utf-8")
    return up_to(notebook, next(c for c in notebook.cells if f"check({task})" in c.source))


# What is tested is nbval and its settings, so one lesson of each level will do; all of them with -m conditions.
ONE_OF_EACH_LEVEL = ("01", "08", "13")


@pytest.mark.parametrize(
    "slug", [pytest.param(s, marks=() if s[:2] in ONE_OF_EACH_LEVEL else pytest.mark.conditions) for s in SLUGS]
)
def test_nbval_rejects_a_wrong_output_and_a_wrong_answer(slug, tmp_path):
    """With the settings of the whole course; the notebooks end after the planted cell, to save time."""
    folder = planted.project(tmp_path / "project")
    wrong = sorted((ROOT / "tests/answers" / slug / "wrong").glob("*.py"))
    assert wrong, f"no wrong answer in tests/answers/{slug}/wrong/"
    made = {
        "notebooks": falsify(read(ROOT / "notebooks" / f"{slug}.ipynb")),
        "solutions": answer_wrongly(read(ROOT / "solutions" / f"{slug}.ipynb"), wrong[0]),
    }
    for name, notebook in made.items():
        (folder / name).mkdir()
        nbformat.write(notebook, folder / name / f"{slug}.ipynb")
    outcomes = planted.run_pytest(folder, *made)
    for name, notebook in made.items():
        last = f"Cell {len([c for c in notebook.cells if c.cell_type == 'code']) - 1}"
        mine = {test: said for test, said in outcomes.items() if test.startswith(name)}
        failed = {test.split("::")[-1]: said for test, said in mine.items() if said}
        assert list(failed) == [last], f"{name}: {failed or 'nothing failed'}, expected {last} alone"
        expected = "Cell outputs differ" if name == "notebooks" else "CheckFailed"
        assert expected in failed[last]


# --- planted leftovers ---

LEAVES_ALL_BEHIND = """
import subprocess, sys, tempfile
line = [sys.executable, "-c", "import time; time.sleep(120)"]
child = subprocess.Popen(line, start_new_session=True)
tempfile.mkstemp()
open("dump.rdb", "w").close()
print("done")
""".strip()


def test_nbval_rejects_what_is_left_behind(tmp_path):
    folder = planted.project(tmp_path / "project")
    (folder / "notebooks").mkdir()
    untidy = planted.notebook([planted.code(LEAVES_ALL_BEHIND, planted.printed("done"))])
    nbformat.write(untidy, folder / "notebooks" / "untidy.ipynb")
    cell_said, left_said = planted.run_pytest(folder, "notebooks").values()
    assert cell_said == ""
    for part in ("process", "time.sleep(120)", "temporary file", "in the checkout: notebooks/dump.rdb"):
        assert part in left_said
