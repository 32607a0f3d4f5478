"""Disks that are full or may not be written to, also not by root."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest


@contextlib.contextmanager
def mounted(path: Path, options: str):
    """A file system in memory; skips where this user may not mount one."""
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("cannot mount a small file system here: full and read-only disks not tried")
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


def make_read_only(path: Path) -> None:
    """What is mounted there may not be written to from now on."""
    subprocess.run(["mount", "-o", "remount,ro", str(path)], check=True)
