"""Checks are tested by answers: each wrong one is rejected by its own message, each right one accepted.

tests/answers/<slug>/wrong/<task>__<mistake>.py   docstring: the misconception; REJECTED_BY: the code for it
tests/answers/<slug>/right/<name>.py              one or more tasks

Every task has at least three wrong answers; a task named in STRETCH of the check module may have fewer.
"""

import ast
import importlib
import importlib.util
import re
from pathlib import Path

import pytest

from mqlab.checks.engine import run_check

ROOT = Path(__file__).resolve().parents[1]
ANSWERS = ROOT / "tests" / "answers"
LABS = sorted(path.stem for path in (ROOT / "solutions").glob("*.ipynb"))
WRONG = sorted(ANSWERS.glob("*/wrong/*.py"))
RIGHT = sorted(ANSWERS.glob("*/right/*.py"))


def case(path: Path) -> str:
    return f"{path.parents[1].name}-{path.stem}"


def check_module(slug: str):
    return importlib.import_module(f"mqlab.checks.lab_{slug.replace('-', '_')}")


def load(path: Path):
    """The answer's module, run anew for each test."""
    spec = importlib.util.spec_from_file_location(f"answer_{re.sub(r'[^a-z0-9]', '_', case(path))}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wrong_of(slug: str) -> list[Path]:
    return [path for path in WRONG if path.parents[1].name == slug]


def codes_of(slug: str) -> set[str]:
    """Every code that the check module gives to NotYet as a literal."""
    source = Path(check_module(slug).__file__).read_text(encoding="utf-8")
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "NotYet":
            code = next(
                (k.value for k in node.keywords if k.arg == "code"), node.args[0] if node.args else None
            )
            if isinstance(code, ast.Constant):
                found.add(code.value)
    return found


def test_there_are_answers():
    """Without any, the tests below would pass by testing nothing."""
    assert LABS and WRONG and RIGHT


@pytest.mark.parametrize("path", WRONG, ids=case)
def test_wrong_answer_is_rejected_by_its_message(path, record_property):
    slug, task = path.parents[1].name, path.stem.split("__")[0]
    record_property("answer", f"{slug}/wrong")
    module = load(path)
    assert module.__doc__, "the docstring says which misconception this is"
    result = run_check(check_module(slug).lab, task, getattr(module, task))
    assert (result.outcome, result.code) == ("not yet", module.REJECTED_BY), f"\n{result.text}"


@pytest.mark.parametrize("path", RIGHT, ids=case)
def test_right_answer_is_accepted(path, record_property):
    slug = path.parents[1].name
    record_property("answer", f"{slug}/right")
    module, lab = load(path), check_module(slug).lab
    done = [name for name in lab.tasks if hasattr(module, name)]
    assert done, f"defines none of {list(lab.tasks)}"
    for name in done:
        result = run_check(lab, name, getattr(module, name))
        assert result.outcome == "passed", f"\n{result.text}"


@pytest.mark.parametrize("slug", LABS)
def test_there_are_enough_answers(slug):
    module, wrong = check_module(slug), wrong_of(slug)
    assert len(wrong) >= 5, f"{len(wrong)} wrong answers, at least 5"
    for task in module.lab.tasks:
        least = 1 if task in getattr(module, "STRETCH", ()) else 3
        mine = [path for path in wrong if path.stem.startswith(f"{task}__")]
        assert len(mine) >= least, f"{len(mine)} wrong answers to {task}, at least {least}"
    right = [load(path) for path in RIGHT if path.parents[1].name == slug]
    assert len(right) >= 2, f"{len(right)} right answers, at least 2"
    unsolved = [task for task in module.lab.tasks if not any(hasattr(answer, task) for answer in right)]
    assert not unsolved, f"no right answer to {unsolved}"


@pytest.mark.parametrize("slug", LABS)
def test_wrong_answers_are_named_after_tasks(slug):
    tasks = check_module(slug).lab.tasks
    strays = [
        path.name for path in wrong_of(slug) if path.stem.split("__")[0] not in tasks or "__" not in path.stem
    ]
    assert not strays, f"not <task>__<mistake>.py of any task: {strays}"


@pytest.mark.parametrize("slug", LABS)
def test_every_message_is_reached_by_a_wrong_answer(slug):
    reached = {load(path).REJECTED_BY for path in wrong_of(slug)}
    assert codes_of(slug), "the check module raises no NotYet with a literal code"
    never = sorted(codes_of(slug) - reached)
    assert not never, f"no wrong answer in tests/answers/{slug}/wrong/ is rejected by {', '.join(never)}"


@pytest.mark.parametrize("slug", LABS)
def test_every_task_has_hints(slug):
    without = [name for name, task in check_module(slug).lab.tasks.items() if not task.hints]
    assert not without, f"no hints for {without}"
