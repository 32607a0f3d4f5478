"""Real kills at every step: each step is hit once, the work before it is done, the work after it is not."""

import sqlite3
from contextlib import closing

import pytest

from mqlab.broker import Broker
from mqlab.checks.bench import Bench
from mqlab.checks.kills import in_a_process, kill_everywhere
from mqlab.checks.outcomes import NotYet


@pytest.fixture(scope="module")
def bench():
    with Broker.start(private=True) as broker:
        yield Bench(broker, "kills")


@pytest.fixture
def shop(tmp_path):
    path, seen = tmp_path / "shop.sqlite", []

    class Shop:
        states = seen

        def prepare(self):
            path.unlink(missing_ok=True)
            with closing(self.open()) as db:
                db.execute("CREATE TABLE notes (n INTEGER)")

        def open(self):
            return sqlite3.connect(path)

        def look(self, r):
            with closing(self.open()) as db:
                seen.append((db.execute("SELECT count(*) FROM notes").fetchone()[0], int(r.get("n") or 0)))

    return Shop()


def work(db, r):
    with db:  # BEGIN, INSERT, COMMIT
        db.execute("INSERT INTO notes VALUES (1)")
    r.incr("n")


def test_every_statement_and_every_command_is_hit_once(bench, shop):
    kills = kill_everywhere(bench, shop.prepare, shop.open, work, lambda: shop.look(bench.r))
    assert kills == 3 + 1 + 1
    # before BEGIN, INSERT and COMMIT nothing is written; before INCR the note is; after INCR both are
    assert shop.states == [(0, 0), (0, 0), (0, 0), (1, 1), (1, 0), (1, 1), (1, 1), (1, 1)]


def test_work_with_too_many_steps_is_told(bench, shop):
    def long(db, r):
        for _ in range(5):
            r.incr("n")

    with pytest.raises(NotYet) as told:
        kill_everywhere(bench, shop.prepare, shop.open, long, lambda: None, most=3)
    assert told.value.code == "no-progress"


def test_a_process_that_raises_was_not_killed():
    assert not in_a_process(lambda: 1 / 0)
