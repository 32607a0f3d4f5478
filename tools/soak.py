"""Run every lesson, solution and set of answers again and again, and count what fails.

usage: python tools/soak.py [--runs 3] [--lesson 07] [--report]        also: make soak ARGS="--runs 20"

Each run is a fresh pytest with fresh kernels. Every second run is made while as many busy loops as the machine has CPUs
compete with it. Results are kept in .soak/results.jsonl, so a run that was interrupted goes on where it stopped, and
numbers add up over days. What was measured before a notebook, a check or mqlab/ changed is kept but not counted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / ".soak" / "results.jsonl"
COLUMNS = ["unit", "busy", "seconds", "failed", "digest"]


def units(lesson: str | None = None) -> dict[str, list[str]]:
    """What is run, by name, and pytest's arguments for it: each lesson, solution and set of answers."""
    found = {}
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):
        slug = path.stem
        if lesson and not slug.startswith(lesson):
            continue
        found[f"notebooks/{slug}"] = [f"notebooks/{slug}.ipynb"]
        found[f"solutions/{slug}"] = [f"solutions/{slug}.ipynb"]
        found[f"answers/{slug}"] = ["tests/test_answers.py", "-k", slug]
    return found


def digest(unit: str) -> str:
    """A hash of all that a unit's result depends on: its notebook or answers, and mqlab/."""
    folder, slug = unit.split("/")
    own = sorted(ROOT.glob(f"tests/answers/{slug}/**/*.py")) if folder == "answers" else [ROOT / f"{unit}.ipynb"]
    hashed = hashlib.sha256()
    for path in [*own, *sorted(ROOT.glob("mqlab/**/*.py")), ROOT / "mqlab/kafka.properties"]:
        content = path.read_bytes()
        if path.suffix == ".ipynb":  # a stored output decides nothing
            content = "\n\n".join("".join(cell["source"]) for cell in json.loads(content)["cells"]).encode()
        hashed.update(content)
    return hashed.hexdigest()[:12]


@contextmanager
def busy_cpus(wanted: bool):
    """Keep every CPU busy meanwhile; the loops end with this process, however it ends."""
    loop = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100_000))"
    loops = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(os.cpu_count() * wanted)]
    try:
        yield
    finally:
        for each in loops:
            each.kill()
            each.wait()


def run(unit: str, arguments: list[str], busy: bool) -> dict:
    """One run. failed: for each cell or test that failed, its name and the first line of the reason."""
    with tempfile.TemporaryDirectory() as folder, busy_cpus(busy):
        report = Path(folder) / "report.xml"
        begun = time.perf_counter()
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        seconds = time.perf_counter() - begun
        failed = failures(report) if report.exists() else {}
    if done.returncode and not failed:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:] or ["no output"]
        failed = {"pytest": last[0]}
    return {"unit": unit, "busy": busy, "seconds": round(seconds, 1), "failed": failed, "digest": digest(unit)}


def failures(report: Path) -> dict[str, str]:
    """From pytest's XML: the name of each failed case, and the first line that says why."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        for problem in [*case.findall("failure"), *case.findall("error")]:
            lines = (problem.get("message") or problem.text or "").strip().splitlines()
            found[case.get("name")] = lines[0] if lines else ""
    return found


def results() -> pd.DataFrame:
    """All results so far that count: one row a run."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    frame = pd.DataFrame([json.loads(line) for line in lines], columns=COLUMNS)
    current = {unit: digest(unit) for unit in units()}
    return frame[frame.digest == frame.unit.map(current)]


def table(frame: pd.DataFrame) -> str:
    """Runs, failures and the slowest run of each unit, then every cell that ever failed, with how often and why."""
    if frame.empty:
        return "nothing was run yet"
    frame = frame.assign(
        calm_s=frame.seconds.where(~frame.busy.astype(bool)),
        busy_s=frame.seconds.where(frame.busy.astype(bool)),
        failing=frame.failed.map(bool),
    )
    summary = frame.groupby("unit").agg(
        runs=("unit", "size"),
        failures=("failing", "sum"),
        calm=("calm_s", "count"),
        slowest_calm=("calm_s", "max"),
        busy=("busy_s", "count"),
        slowest_busy=("busy_s", "max"),
    )
    lines = [summary.to_string(na_rep="-")]
    lines.append(f"{len(frame)} runs, {int(frame.failing.sum())} failed; seconds are those of the whole pytest")
    cells = pd.DataFrame(
        [(row.unit, cell, why) for row in frame.itertuples() for cell, why in row.failed.items()],
        columns=["unit", "cell", "why"],
    )
    for (unit, cell), whys in cells.groupby(["unit", "cell"]).why:
        lines.append(f"  {len(whys)} x {unit} {cell}: {whys.iloc[-1][:160]}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Returns 1 when a counted run failed, else 0."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3, help="how often each is to have run in the end (3)")
    parser.add_argument("--lesson", help="only this lesson: 07, for example")
    parser.add_argument("--report", action="store_true", help="run nothing, print the table")
    options = parser.parse_args(arguments)
    chosen = units(options.lesson)
    if not chosen:
        parser.error(f"there is no lesson {options.lesson}; give its number, 01 for example")
    RESULTS.parent.mkdir(exist_ok=True)
    for number in range(0 if options.report else options.runs):
        counts = results().unit.value_counts()
        for unit, case in chosen.items():
            if counts.get(unit, 0) > number:
                continue
            result = run(unit, case, busy=number % 2 == 1)
            with RESULTS.open("a", encoding="utf-8") as file:
                print(json.dumps(result), file=file)
            state = "busy" if result["busy"] else "calm"
            said = f"{len(result['failed'])} failed" if result["failed"] else "passed"
            print(f"run {number + 1}  {state}  {result['seconds']:6.1f} s  {unit}: {said}", flush=True)
    frame = results()
    frame = frame[frame.unit.isin(chosen)]
    print(table(frame))
    return int(bool(frame.failed.map(bool).any()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
