"""Real kills at every step of work that has a database and a broker: what the sweeps cannot do for SQLite.

    killed = kill_everywhere(bench, prepare, open_database, work, verify)

The sweeps simulate a crash by an exception, and cut the dead caller off from the broker. A database connection in the
same process would go on: here the work runs in a process of its own, and SIGKILL ends it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable

import redis

from mqlab.checks.outcomes import NotYet
from mqlab.checks.traced import Hook, traced_client


def in_a_process(work: Callable[[], object]) -> bool:
    """Run `work` in a process of its own. Returns whether a signal killed it; what it raised is not told."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def kill_everywhere(
    bench,
    prepare: Callable[[], object],
    open_database: Callable[[], sqlite3.Connection],
    work: Callable[[sqlite3.Connection, redis.Redis], object],
    verify: Callable[[], object],
    most: int = 80,
) -> int:
    """SIGKILL `work(db, r)` before each of its SQL statements, and before and after each of its broker commands.

    Each time anew: the broker is emptied, `prepare()`, the work in a process of its own, `verify()`. COMMIT counts as
    a statement. The last run of each kind is one that nobody kills. Returns how many were killed. Raises NotYet
    (no-progress) for work that has more than `most` steps; work without an end meets the time limit of the check.
    """
    kills = 0
    for kind in ("statement", "before", "after"):
        for n in range(1, most + 2):
            bench.flush()
            prepare()
            killed = in_a_process(lambda kind=kind, n=n: _doomed(bench.broker.url, kind, n, open_database(), work))
            verify()
            if not killed:
                break
            if n > most:
                raise NotYet("no-progress", f"took more than {most} steps and did not come to an end.",
                             "The work ends after a few.")  # fmt: skip
            kills += 1
    return kills


def _doomed(url: str, kind: str, n: int, db: sqlite3.Connection, work) -> None:
    """Run `work` in this process, and kill it at the n-th step of that kind."""
    death = _Death(kind, n)
    db.set_trace_callback(lambda statement: death.came_to("statement"))
    work(db, traced_client(url, death, socket_timeout=30))


class _Death(Hook):
    def __init__(self, kind: str, n: int):
        self._kind, self._left = kind, n

    def came_to(self, kind: str) -> None:
        self._left -= kind == self._kind
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(self, connection, step):
        self.came_to("before")
        return step

    def after(self, connection, step, reply):
        self.came_to("after")
