"""Start JupyterLab on the contents page; further arguments are handed on to it.

`make lab` runs this in .venv. In any other environment, conda's for one: `python tools/lab.py`.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def command(arguments: list[str]) -> list[str]:
    """The JupyterLab command: opens README.md rendered, from which lesson 01 is one click away."""
    line = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={ROOT}",
        "--LabApp.default_url=/lab/tree/README.md",
        f"--LabApp.app_settings_dir={ROOT / 'tools' / 'jupyterlab'}",  # overrides.json
    ]
    if os.geteuid() == 0:  # in a container one often is root, where JupyterLab refuses to start without this
        line.append("--allow-root")
    return line + arguments


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every kernel start compiles the same modules again
    # This environment's kernel, not one of the same name in the home folder.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    line = command(sys.argv[1:])
    os.execv(line[0], line)
