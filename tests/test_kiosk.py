"""The shop's envelope and its needs; and that everything which says what to use for a need says the same."""

import re
from pathlib import Path

import nbformat
import pytest

from mqlab.checks.lab_02_queue_topic_stream import right_model
from mqlab.kiosk import NEEDS, envelope

ROOT = Path(__file__).resolve().parents[1]
TABLES = {
    "README.md": "## Quick reference",
    "notebooks/01-message-queue-basics.ipynb": "What the reading list calls it",
    "notebooks/02-queue-topic-stream.ipynb": "## Decide",
}
MODEL = {"task queue": "queue", "producer–consumer": "queue", "pub/sub": "pubsub", "FIFO": "queue", "Kafka": "stream"}


def test_an_envelope_carries_what_it_was_given():
    message = envelope("PlaceOrder", "o1", {"total": 3}, id="m1", seq=2, ts_ms=5)
    assert message == {
        "id": "m1", "type": "PlaceOrder", "v": 1, "key": "o1", "seq": 2, "ts_ms": 5, "corr": "o1", "causation": None,
        "body": {"total": 3},
    }  # fmt: skip
    assert envelope("PlaceOrder", "o1", {})["id"] != envelope("PlaceOrder", "o1", {})["id"]


def test_24_different_needs_want_each_model_often():
    assert len({need["need"] for need in NEEDS}) == len(NEEDS) == 24
    wanted = [right_model(need) for need in NEEDS]
    assert all(wanted.count(model) >= 6 for model in ("queue", "pubsub", "stream"))


def quick_reference(name: str) -> dict[str, tuple[str, str]]:
    """need → (use, lesson), as the table of this file has it. The columns are found by their titles."""
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join(cell.source for cell in nbformat.reads(text, as_version=4).cells)
    table = text[text.index(TABLES[name]) :]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", table, re.M)]
    titles = rows[0]
    need, use, lesson = (titles.index(title) for title in ("you need", "use", "lesson"))
    return {
        row[need]: (row[use], re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", row[lesson]))
        for row in rows
        if len(row) == len(titles)
    }


@pytest.mark.parametrize("need", ["background jobs", "e-mail sending", "event notifications", "order processing",
                                  "real-time analytics"])  # fmt: skip
def test_all_tables_and_the_lab_give_a_need_the_same_channel(need):
    found = {name: quick_reference(name)[need] for name in TABLES}
    assert len({lesson for _, lesson in found.values()}) == 1, found
    words = {name: [word for word in MODEL if use.startswith(word)] for name, (use, _) in found.items()}
    [[word]] = {tuple(word) for word in words.values()}
    row = next(row for row in NEEDS if row["need"] == need)
    assert right_model(row) == MODEL[word], found
