"""What a notebook's kernel left behind: processes, temporary files, files in the checkout."""

import shutil
import tempfile
import time
import uuid
from pathlib import Path

import psutil

MARK = "MQLAB_TEST_RUN"
# Where a kernel works and what lies around it. Not the sources, which somebody may be editing during the tests.
FOLDERS = ("notebooks", "labs", "solutions")


def listing(root: Path) -> set[str]:
    """The relative paths of what lies in the checkout's top folder, and of all files in the notebooks' folders."""
    found = [path for path in root.iterdir() if not path.name.startswith(".")]
    for folder in FOLDERS:
        found += [path for path in (root / folder).rglob("*") if ".ipynb_checkpoints" not in path.parts]
    return {str(path.relative_to(root)) for path in found}


class Watch:
    """Tell what one kernel left behind. Give the kernel `env`; ask `left()` after its end; then `close()`.

    Processes are recognised by a mark in their environment, which children inherit, and never by name: others
    may run the same programs. Only a process holds a port, so looking for processes finds ports too.
    """

    def __init__(self, root: Path):
        self.root = root
        self.mark = uuid.uuid4().hex
        self.files = listing(root)
        self.temporary = Path(tempfile.mkdtemp(prefix="mq-"))  # short: paths of Unix sockets are limited
        self.env = {MARK: self.mark, "TMPDIR": str(self.temporary)}

    def processes(self) -> list[psutil.Process]:
        """The processes that run now and carry the mark; zombies hold nothing and do not count."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):  # ended meanwhile, or another user's
                continue
        return found

    def things(self) -> list[str]:
        """Everything left at this moment, one line each."""
        left = []
        for process in self.processes():
            try:
                left.append(f"process {process.pid}: {' '.join(process.cmdline())[:200]}")
            except psutil.Error:
                continue
        left += [f"temporary file {path}" for path in sorted(self.temporary.iterdir())]
        left += [f"file in the checkout: {path}" for path in sorted(listing(self.root) - self.files)]
        return left

    def left(self, timeout: float = 5) -> list[str]:
        """What is still left `timeout` seconds after the kernel's end; returns early when nothing is."""
        deadline = time.monotonic() + timeout
        while (left := self.things()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def close(self) -> None:
        """End what was left and remove the temporary directory, so that one failure does not cause others."""
        for process in self.processes():
            try:
                process.kill()
            except psutil.Error:
                continue
        shutil.rmtree(self.temporary, ignore_errors=True)
