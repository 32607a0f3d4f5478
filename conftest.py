"""Loaded by pytest whatever it runs, so that `pytest notebooks/` keeps the same rules as `make test`."""

import os
import re
import signal

import pytest
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.notebook_runs"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so begins what a shell starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # some tests interrupt themselves

SLUG = re.compile(r"\b(\d\d)-[a-z0-9]+(?:-[a-z0-9]+)*")  # 01-message-queue-basics


def pytest_addoption(parser):
    parser.addoption("--lesson", help="run only what belongs to this lesson: 01, or its whole name")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """With MQLAB_REQUIRE_ALL=1, as CI sets it, whatever would be skipped for want of something fails instead."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("MQLAB_REQUIRE_ALL") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome, report.longrepr = "failed", f"MQLAB_REQUIRE_ALL=1 allows no skipping. {reason}"
    return report


class Lanes(LoadScopeScheduling):
    """What a worker does in one go: every second lesson in turn, one answer, else one file.

    So two lessons measure at a time, however many workers there are; tests/test_commands.py holds this.
    """

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        if file.startswith("notebooks/") and (lesson := SLUG.search(file)):
            return f"lessons, lane {int(lesson[1]) % 2}"
        return nodeid if file.endswith("test_answers.py") else file


def pytest_xdist_make_scheduler(config, log):
    return Lanes(config, log)


def pytest_collection_modifyitems(config, items):
    lesson = config.getoption("--lesson")
    if not lesson:
        return
    # An item belongs to a lesson when the lesson's name stands in its id: in a file name or in a parameter.
    chosen = [item for item in items if any(lesson in (m[1], m[0]) for m in SLUG.finditer(item.nodeid))]
    if not chosen:
        raise pytest.UsageError(f"--lesson {lesson}: there is no such lesson; give its number, 01 for example")
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen
