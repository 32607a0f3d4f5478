"""How nbval runs the notebooks here: its faults put right, and one test more at the end of each."""

import contextlib
import os
from collections import defaultdict

import nbval.plugin
import pytest

from tests.leftovers import Watch
from tools import notebooks


class Kernel(nbval.plugin.RunningKernel):
    """nbval's kernel, with the history kept, and started again when it could not get its ports."""

    def __init__(self, *arguments, **options):
        notebooks.despite_taken_ports(lambda: super(Kernel, self).__init__(*arguments, **options))

    def execute_cell_input(self, cell_input, allow_stdin=None):
        # Without history IPython looks at the wrong cell for a trailing ';', and shows
        # does not have (nbval #194).
        return self.kc.execute(cell_input, allow_stdin=allow_stdin, stop_on_error=False)


@contextlib.contextmanager
def environment(**values: str | None):
    """Set these variables meanwhile; None removes one."""
    before = {name: os.environ.get(name) for name in values}
    put(values)
    try:
        yield
    finally:
        put(before)


def put(values: dict[str, str | None]) -> None:
    """Set or, for None, remove variables of the environment."""
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


class Notebook(nbval.plugin.IPyNbFile):
    """A notebook whose cells are followed by the test that its kernel left nothing behind."""

    watch = None

    def collect(self):
        yield from super().collect()
        yield NothingLeftBehind.from_parent(self, name="nothing left behind")

    def setup(self):
        self.watch = Watch(self.config.rootpath)
        with environment(
            # ipykernel does not capture the output of child processes while this is set.
            PYTEST_CURRENT_TEST=None,
            # In solutions/ a check that is not passed must fail the cell.
            MQLAB_STRICT="1" if self.path.parent.name == "solutions" else None,
            **self.watch.env,
        ):
            super().setup()

    def teardown(self):
        super().teardown()
        if self.watch:
            self.watch.close()


class NothingLeftBehind(pytest.Item):
    """The kernel is killed, as it may happen to a learner's; then nothing of it may be left."""

    def runtest(self):
        if self.parent.kernel.is_alive():
            self.parent.kernel.stop()  # SIGKILL
        left = self.parent.watch.left()
        if left:
            pytest.fail("left behind: " + "; ".join(left), pytrace=False)

    def reportinfo(self):
        return self.path, 0, f"{self.path.name}: {self.name}"


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(parent):
    """Put our class in the place of nbval's, which nbval's own code needs under its name."""
    return [
        Notebook.from_parent(parent, path=found.path) if isinstance(found, nbval.plugin.IPyNbFile) else found
        for found in (yield)
    ]


def pytest_configure(config):
    nbval.plugin.RunningKernel = Kernel
    # nbval takes this path relative to the working directory; pytest may be started in any.
    config.option.nbval_sanitize_with = str(config.rootpath / "tests" / "sanitize.cfg")


def pytest_terminal_summary(terminalreporter):
    """The seconds that each notebook took."""
    seconds, cells = defaultdict(float), defaultdict(int)
    for reports in terminalreporter.stats.values():
        for report in reports:
            file, _, cell = getattr(report, "nodeid", "").partition("::")
            if file.endswith(".ipynb") and hasattr(report, "duration"):
                seconds[file] += report.duration
                cells[file] += report.when == "call" and cell.startswith("Cell")
    if seconds:
        terminalreporter.section("notebooks under strict nbval")
        for file in sorted(seconds):
            terminalreporter.line(f"{seconds[file]:7.1f} s  {cells[file]:3d} code cells  {file}")
