"""The commands a newcomer types: how the environment is made, what the Makefile and .ci/run call, choosing a lesson.

No environment is installed here: Python, pip and uv are imitated by scripts that note how they were called.
"""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import Lanes
from tests import planted
from tools import lab

ROOT = Path(__file__).resolve().parents[1]
BASICS = ["sh", "dirname", "cat", "cmp", "mkdir", "rm", "sleep", "cp", "env", "bash", "make", "true", "printf"]
PYTHON = """#!/bin/sh
case "$1 $2" in
    "-c "*find_spec*) echo "3 {minor} {able} 3.{minor}" ;;
    "-c "*) [ -n "$2" ] && echo "{name} imports" >>"$CALLS" ;;
    "-m venv") echo "{name} venv" >>"$CALLS"; mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    "-m pip") echo "{name} pip bytecode=${{PYTHONDONTWRITEBYTECODE-yes}} path=${{PYTHONPATH-none}} $*" >>"$CALLS"
        echo $$ >"$CALLS.pid"; {then} ;;
esac
exit 0
"""
UV = """#!/bin/sh
case "$1" in
    --version) ;;
    venv) echo "uv $*" >>"$CALLS"; [ -n "$UV_FAILS" ] && exit 1
        for last in "$@"; do :; done; mkdir -p "$last/bin"; printf '#!/bin/sh\\n' >"$last/bin/python"
        chmod +x "$last/bin/python" ;;
    pip) echo "uv $*" >>"$CALLS" ;;
esac
"""


class Machine:
    """A checkout in a path with spaces, and a PATH with nothing but the basics and what a test puts there."""

    def __init__(self, folder: Path):
        self.root = folder / "der Kurs é"
        self.bin = folder / "bin"
        self.log = folder / "calls"
        (self.root / "tools").mkdir(parents=True)
        for name in ("tools/environment.sh", "requirements.txt", "Makefile", ".ci/run"):
            (self.root / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)
        self.bin.mkdir()
        for name in [*BASICS, "chmod"]:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)
        self.env = {"PATH": str(self.bin), "CALLS": str(self.log), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "/x"}

    def put(self, name: str, text: str) -> None:
        """Put a program on the PATH."""
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def python(self, name: str, minor: int, able: bool = True, then: str = ":") -> None:
        """Put an imitated Python on the PATH; `then` is what its pip does."""
        self.put(name, PYTHON.format(name=name, minor=minor, able=able, then=then))

    def start(self, *command: str) -> subprocess.Popen:
        """Start tools/environment.sh with this command."""
        line = ["sh", str(self.root / "tools" / "environment.sh"), *command]
        return subprocess.Popen(line, env=self.env, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def run(self, *command: str) -> tuple[int, list[str]]:
        """(exit code, lines of stderr) of tools/environment.sh with this command."""
        process = self.start(*command)
        said = process.communicate(timeout=60)[1]
        return process.returncode, said.splitlines()

    def calls(self) -> list[str]:
        """What the imitated programs noted, and forget it."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


# --- making the environment ---


def test_pip_makes_it_with_hashes_and_bytecode_once(machine):
    machine.python("python3.12", 12)
    code, said = machine.run("true")
    assert code == 0 and len(said) == 1 and "with pip" in said[0]
    venv, lock, editable, warm = machine.calls()
    assert venv == "python3.12 venv"
    assert "bytecode=yes path=none" in lock and lock.endswith("install --quiet --require-hashes -r requirements.txt")
    assert editable.endswith("install --quiet --no-deps -e .")
    assert warm == "python3.12 imports"
    assert machine.run("true") == (0, []) and machine.calls() == [], "the second call made it again"


def test_uv_is_preferred_and_compiles_bytecode(machine):
    machine.python("python3.12", 12)
    machine.put("uv", UV)
    assert machine.run("true")[0] == 0
    venv, install = machine.calls()
    assert f"--python {machine.bin}/python3.12 " in venv
    assert "--compile-bytecode -r requirements.txt -e ." in install


def test_newest_python_that_works_is_taken(machine):
    machine.put("python3.14", "#!/bin/sh\necho 'pyenv: python3.14: command not found' >&2\nexit 127\n")
    machine.python("python3.11", 11)
    machine.python("python3", 13)
    machine.python("python", 9)
    assert machine.run("true")[0] == 0
    assert machine.calls()[0] == "python3 venv"


def test_python_behind_a_broken_shim_is_found(machine, tmp_path):
    machine.put("python3.12", "#!/bin/sh\nexit 127\n")
    further = tmp_path / "further bin"
    further.mkdir()
    machine.python("later", 12)
    (machine.bin / "later").rename(further / "python3.12")
    machine.env["PATH"] += f":{further}"
    assert machine.run("true")[0] == 0
    assert machine.calls()[0] == "later venv"


def test_too_old_python_is_one_line(machine):
    machine.python("python3", 9)
    machine.python("python", 15)
    code, said = machine.run("true")
    assert code == 1 and len(said) == 1
    assert "needs Python 3.11 to 3.14; found here: 3.9 (" in said[0] and "3.15 (" in said[0]
    assert not (machine.root / ".venv").exists() and not (machine.root / ".venv-being-made").exists()


def test_no_python_is_one_line(machine):
    code, said = machine.run("true")
    assert code == 1 and len(said) == 1 and "found here: none" in said[0]


def test_no_python_and_uv_that_cannot_fetch_one(machine):
    machine.put("uv", UV)
    machine.env["UV_FAILS"] = "1"
    code, said = machine.run("true")
    assert code == 1 and "uv could not fetch one" in said[-1]
    assert "--python >=3.11,<3.15" in machine.calls()[0]


def test_python_without_venv_names_the_package(machine):
    machine.python("python3.12", 12, able=False)
    code, said = machine.run("true")
    assert code == 1 and len(said) == 1 and "apt install python3-venv" in said[0]
    machine.put("uv", UV)
    assert machine.run("true")[0] == 0, "uv needs no ensurepip"


def test_failed_install_is_made_again(machine):
    machine.python("python3.12", 12, then="exit 1")
    code, said = machine.run("true")
    assert code == 1 and "could not be made" in said[-1]
    machine.calls()
    machine.python("python3.12", 12)
    assert machine.run("true")[0] == 0 and machine.calls()[0] == "python3.12 venv"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_install_is_made_again(machine, number):
    machine.python("python3.12", 12, then="exec sleep 60")
    process = machine.start("true")
    wait_for(lambda: Path(f"{machine.log}.pid").exists())
    os.killpg(process.pid, number)  # as Ctrl-C does: the whole group of processes
    process.communicate(timeout=20)
    assert process.returncode != 0
    machine.python("python3.12", 12)
    machine.calls()
    assert machine.run("true")[0] == 0 and machine.calls()[0] == "python3.12 venv"


def test_two_at_once_make_one(machine):
    machine.python("python3.12", 12, then="sleep 1")
    both = [machine.start("true"), machine.start("true")]
    for process in both:
        process.communicate(timeout=60)
    assert [process.returncode for process in both] == [0, 0]
    assert machine.calls().count("python3.12 venv") == 1


def test_new_lock_and_renamed_folder_make_it_again(machine):
    machine.python("python3.12", 12)
    machine.run("true")
    machine.calls()
    with (machine.root / "requirements.txt").open("a") as lock:
        lock.write("# a new pin\n")
    assert machine.run("true")[0] == 0 and "python3.12 venv" in machine.calls()
    machine.root = machine.root.rename(machine.root.with_name("renamed"))
    assert machine.run("true")[0] == 0 and "python3.12 venv" in machine.calls()


def test_exit_code_of_the_command_is_kept(machine):
    machine.python("python3.12", 12)
    assert machine.run("sh", "-c", "exit 7")[0] == 7


def test_folder_that_cannot_be_written_is_one_line(machine):
    # Root may write to any folder, so mkdir is imitated.
    (machine.bin / "mkdir").unlink()
    machine.put("mkdir", "#!/bin/sh\nexit 1\n")
    machine.python("python3.12", 12)
    code, said = machine.run("true")
    assert code == 1 and len(said) == 1 and "Cannot write to" in said[0]


def wait_for(condition, timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


# --- make and CI ---


def dry_run(*arguments: str) -> str:
    # Without what the make that runs these tests hands down.
    handed_down = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "LESSON", "ARGS")
    environment = {name: value for name, value in os.environ.items() if name not in handed_down}
    line = ["make", "-n", *arguments]
    return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["lab"], "python tools/lab.py"),
        (["test"], "python -m pytest -n 4"),
        (["test", "LESSON=01", "ARGS=-x"], "python -m pytest -n 4 --lesson=01 -x"),
        (["-j4", "test"], "python -m pytest -n 4"),
        (["labs"], "python tools/labs.py"),
        (["notebooks"], "python tools/notebooks.py"),
        (["notebooks", "LESSON=01"], "python tools/notebooks.py notebooks/01-*.ipynb solutions/01-*.ipynb"),
    ],
)
def test_make_calls(arguments, command):
    *before, line = dry_run(*arguments).splitlines()
    assert line.split() == f"sh tools/environment.sh {command}".split()
    first = ["sh tools/environment.sh python tools/kafka.py"]  # lessons run on it, labs/ are only written
    assert before == ([] if arguments == ["labs"] else first)


def test_make_kafka():
    assert dry_run("kafka") == "sh tools/environment.sh python tools/kafka.py"


def test_makefile_is_short():
    assert len((ROOT / "Makefile").read_text().splitlines()) <= 28


@pytest.mark.parametrize("missing", [[], ["chromium"], ["chromium", "redis-server", "maven", "openssl"]])
def test_ci_installs_what_is_missing_sets_the_switch_and_calls_make_test(machine, missing):
    for name in ("apt-get", "make"):
        (machine.bin / name).unlink(missing_ok=True)
        machine.put(name, f'#!/bin/sh\necho "{name} $* all=$MQLAB_REQUIRE_ALL" >>"$CALLS"\n')
    programs = {"chromium": "chromium", "redis-server": "redis-server", "mvn": "maven", "openssl": "openssl"}
    for name, package in programs.items():
        if package not in missing:
            machine.put(name, "#!/bin/sh\n")
    subprocess.run(["bash", str(machine.root / ".ci" / "run")], env=machine.env, check=True, timeout=60)
    *installed, tested = machine.calls()
    assert tested == "make test all=1"
    assert bool(installed) is bool(missing)
    assert all(name in installed[-1] for name in missing)


def test_skipping_fails_where_everything_is_required(tmp_path, monkeypatch):
    folder = planted.project(tmp_path / "project")
    (folder / "tests" / "test_skips.py").write_text(
        "import pytest\n\n\ndef test_it():\n    pytest.skip('no browser found')\n\n\n"
        "@pytest.fixture\ndef absent():\n    pytest.skip('no server found')\n\n\ndef test_that(absent):\n    pass\n"
    )
    monkeypatch.delenv("MQLAB_REQUIRE_ALL", raising=False)
    assert set(planted.run_pytest(folder, "tests").values()) == {""}
    monkeypatch.setenv("MQLAB_REQUIRE_ALL", "1")
    it, that = planted.run_pytest(folder, "tests").values()
    assert "no browser found" in it and "no server found" in that


@pytest.mark.parametrize(("user", "root"), [(0, True), (1000, False)])
def test_jupyterlab_starts_as_root_and_as_a_user(user, root, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    line = lab.command(["--no-browser"])
    assert ("--allow-root" in line) is root
    assert "--LabApp.default_url=/lab/tree/README.md" in line and line[-1] == "--no-browser"


def test_two_lessons_at_once_and_no_more():
    """They measure; bench's part `lanes` tells how much two disturb each other."""
    lessons = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
    in_lane = [Lanes._split_scope(None, f"notebooks/{lesson}.ipynb::Cell 1") for lesson in lessons]
    assert len(set(in_lane)) == 2 and all(one != other for one, other in itertools.pairwise(in_lane))
    others = [f"solutions/{lessons[0]}.ipynb::Cell 1", "tests/test_labs.py::test_a"]
    others += [f"tests/test_answers.py::test_b[{answer}]" for answer in ("01-a", "01-c")]
    scopes = {Lanes._split_scope(None, item) for item in others}
    assert len(scopes) == len(others) and not scopes & set(in_lane)


# --- choosing a lesson ---


def collected(*arguments: str) -> subprocess.CompletedProcess:
    line = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True)


def test_lesson_selects_what_belongs_to_it():
    ended = collected("--lesson=01")
    items = [line for line in ended.stdout.splitlines() if "::" in line]
    assert ended.returncode == 0 and items and all("01-message-queue-basics" in item for item in items)
    for part in (
        "notebooks/01-",
        "solutions/01-",
        "tests/test_labs.py",
        "tests/test_answers.py",
        "tests/test_browser.py",
    ):
        assert any(item.startswith(part) for item in items), f"nothing of {part}"


def test_unknown_lesson_is_an_error():
    ended = collected("--lesson=99", "tests/test_labs.py")
    assert ended.returncode != 0 and "there is no such lesson" in ended.stderr + ended.stdout
