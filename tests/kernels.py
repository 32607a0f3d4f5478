"""A stand-in for a notebook's kernel: a Python process of its own that a test may kill."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil


class Kernel:
    """Runs `code`, which calls `tell(value)` to report JSON that `hear` returns.

        with Kernel("tell(os.getpid()); time.sleep(60)") as kernel:
            pid = kernel.hear()
            kernel.kill()

    `code` may use json, os, sys, time and signal. Ended at the end of the block.
    """

    PRELUDE = """
import json, linecache, os, signal, sys, time

def tell(value):
    print(json.dumps(value), flush=True)

code = sys.argv[1]
linecache.cache["<cell>"] = (len(code), None, code.splitlines(True), "<cell>")  # as IPython does for inspect
exec(compile(code, "<cell>", "exec"))
"""

    def __init__(self, code: str, stdin: int = subprocess.DEVNULL, **environment: str):
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.PRELUDE, code],
            stdin=stdin,
            stdout=subprocess.PIPE,
            env={**os.environ, **environment},
            text=True,
            start_new_session=True,
        )

    def hear(self):
        """The next value it tells."""
        line = self.process.stdout.readline()
        assert line, f"the kernel ended with code {self.process.wait()}"
        return json.loads(line)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.kill()
        self.process.stdout.close()


def gone(pid: int) -> bool:
    """Ended. A zombie has ended too: where nobody waits for orphans (some containers) it stays one."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def until(condition, seconds: float = 10) -> float:
    """Wait until the condition holds; return how many seconds that took. Fails when the time is up."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, f"still not after {seconds} s"
        time.sleep(0.01)
    return time.monotonic() - start
