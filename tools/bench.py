"""Measure the course beside what people would use instead, and beside its own formulas.

usage: python -m tools.bench [--part queues|batches|setup|theory|lanes] [--rounds 3]
also: make bench ARGS="--part setup"

queues: lesson 04's task queue and six libraries on one broker, with a figure. batches: pipelines of redis-py and of the
server's own benchmark tool. setup: how long the brokers and JupyterLab take to answer. theory: every error of a formula
that stands in the stored outputs of the lessons. lanes: the lessons run anew, one at a time and two at a time, and the
same errors of each. Compared is within a round; medians of the rounds are printed. The whole takes about 25 minutes;
what it needs and what it draws is kept in .bench/.
"""

from __future__ import annotations

import argparse
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mqlab import plots, reaper
from mqlab.broker import Broker
from mqlab.kafka import Kafka
from mqlab.server import BrokerError
from tools import bench_lanes, bench_theory, lab
from tools import bench_queues as queues

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".bench"
DEPTHS, PAYLOAD = (1, 16, 64, 256), "x" * 100


def headline(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


# ------------------------------------------------------------ task queues


def queue_table(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a case: the medians of the rounds, and how many times as fast the lesson's batches are, no-op."""
    rates = runs.pivot(index="round", columns="case", values="no-op")
    table = runs.groupby("case")[list(queues.MEASURED)].median()
    table["batches/it"] = rates.rdiv(rates[queues.BATCHES], axis=0).median()
    table["at least once"] = {case.name: case.at_least_once for case in queues.CASES}
    return table.reindex([case.name for case in queues.CASES if case.name in table.index])


def goals(runs: pd.DataFrame) -> list[str]:
    """The goals of the task queue: the median over the rounds of each ratio decides.

    Beside it stands the ratio of the best rounds, which a disturbance of some of them leaves alone.
    """

    def best(kind: str, *chosen: str) -> tuple[float, float]:
        rates = runs.pivot(index="round", columns="case", values=kind)
        ours, others = rates[queues.BATCHES], rates[list(chosen)].max(axis=1)
        return (ours / others).median(), ours.max() / others.max()

    libraries = [case for case in queues.CASES if case.library and case.name in set(runs.case)]
    safe = [case.name for case in libraries if case.at_least_once == "yes"]
    wanted = [("at least half of bare redis-py", best("no-op", queues.BARE), 0.5)]
    if safe:
        wanted.append(("at least 3 times the fastest that is at-least-once", best("no-op", *safe), 3))
    for kind in queues.KINDS if libraries else ():
        wanted.append((f"faster than every library, {kind}", best(kind, *(case.name for case in libraries)), 1))
    lines = [
        f"{'PASS' if median >= goal else 'not reached':11}  {median:5.2f}  {text} (best rounds: {top:.2f})"
        for text, (median, top), goal in wanted
    ]
    if safe:
        cpu = runs.groupby("case").cpu_us.median()
        times = cpu[safe].min() / cpu[queues.BATCHES]
        lines.append(
            f"{'no goal':11}  {times:5.2f}  times the CPU time of the batches takes the cheapest at-least-once one"
        )
    return lines


def spread(runs: pd.DataFrame) -> float:
    """Largest over smallest of the rounds, less 1; the median of all cases."""
    rates = runs.groupby("case")["no-op"]
    return (rates.max() / rates.min() - 1).median()


def queue_figure(runs: pd.DataFrame, table: pd.DataFrame) -> Path:
    plots.use_style()
    fig, ax = plt.subplots(figsize=(7.6, 5.2))
    rows = np.arange(len(table))
    for row, name in enumerate(table.index):
        own, safe = name in (queues.BATCHES, queues.ONE_BY_ONE), table["at least once"][name]
        color = plots.BLUE if own else plots.ORANGE if safe == "yes" else "0.7"
        ax.barh(row, table["no-op"][name], color=color, hatch="" if own else "///", edgecolor="white")
        ax.plot(runs[runs.case == name]["no-op"], [row] * (runs.case == name).sum(), "|", color="black", markersize=9)
    ax.axvline(table["no-op"][queues.BATCHES] / 3, **plots.LIMIT, label="a third of the lesson's batches")
    ax.set(xscale="log", yticks=rows, yticklabels=table.index, xlabel="no-op jobs/s of one worker process, logarithmic")
    ax.invert_yaxis()
    ax.legend(loc="upper center", bbox_to_anchor=(0.3, -0.1))
    plots.title(ax, "Lesson 04 beside the libraries (bars: medians; ticks: rounds; grey: not at-least-once)", 46)
    path = FOLDER / "queues.png"
    fig.savefig(path)
    plt.close(fig)
    return path


def part_queues(rounds: int) -> None:
    headline("Task queues: jobs/s of one worker process, medians of interleaved rounds")
    runs, lines = queues.rounds(rounds)
    print("\n".join(lines))
    print(
        f"{runs['round'].nunique()} rounds; between them a row of no-op jobs varied by {spread(runs):.0%} in the median"
    )
    if not {queues.BATCHES, queues.BARE} <= set(runs.case):
        print("Without the lesson's batches and bare redis-py there is nothing to compare with.")
        return
    table = queue_table(runs)
    print(table.round({"batches/it": 1} | dict.fromkeys(queues.MEASURED, 0)).to_string(index_names=False))
    print("computing: 1 ms of CPU time; waiting: 1 ms of sleep, which coroutines and threads overlap")
    print("cpu_us: µs of CPU time of the worker a no-op job, which other processes disturb least")
    print(
        "Huey takes a job off its list before it runs it, and loses it with its worker; all others acknowledge after."
    )
    print("\n".join(goals(runs)))
    print(f"Figure: {queue_figure(runs, table).relative_to(ROOT)}")


# ------------------------------------------------------------ batches


def by_client(broker: Broker, command: str, depth: int, seconds: float) -> float:
    """Commands/s of redis-py for about `seconds`, `depth` commands a round trip; the batch of lesson 15."""
    r = broker.client(decode_responses=False)
    r.delete("bench:batch")
    sent, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        with r.pipeline(transaction=False) as p:
            for _ in range(depth):
                p.xadd("bench:batch", {"f": PAYLOAD}) if command == "XADD" else p.rpush("bench:batch", PAYLOAD)
            p.execute()
        sent += depth
    return sent / (time.perf_counter() - began)


def by_server_tool(tool: str, broker: Broker, command: str, depth: int, requests: int) -> float:
    """Commands/s of redis-benchmark: one connection, the same payload, `depth` commands a round trip."""
    broker.client().delete("bench:batch")
    words = ["XADD", "bench:batch", "*", "f", PAYLOAD] if command == "XADD" else ["RPUSH", "bench:batch", PAYLOAD]
    url = urlsplit(broker.url)
    where = ["-h", url.hostname, "-p", str(url.port), "-a", url.password]  # of a private broker that ends with this run
    line = [tool, *where, "-c", "1", "-P", str(depth), "-n", str(max(requests, depth)), "--csv", *words]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    rows = [row for row in done.stdout.splitlines() if re.match(r'".*","[\d.]+"', row)]
    if done.returncode or not rows:
        raise RuntimeError(f"{Path(tool).name} gave no number: {queues.last_line(done.stderr or done.stdout)}")
    return float(re.findall(r'"([\d.]+)"', rows[-1])[0])


def batch_rounds(rounds: int, seconds: float = 0.3) -> tuple[pd.DataFrame, list[str]]:
    """Commands/s by command and depth: redis-py, the server's tool, and redis-py as a share of it; medians."""
    tool = shutil.which("valkey-benchmark") or shutil.which("redis-benchmark")
    lines = [] if tool else ["no valkey-benchmark or redis-benchmark on the PATH: redis-py alone"]
    runs = []
    with Broker.start(private=True) as broker:
        for _ in range(rounds):
            for command in ("XADD", "RPUSH"):
                for depth in DEPTHS:
                    row = {"command": command, "depth": depth, "redis-py": by_client(broker, command, depth, seconds)}
                    try:
                        if tool:  # as many commands as take it about as long
                            requests = int(row["redis-py"] * seconds * 4)
                            row["tool"] = by_server_tool(tool, broker, command, depth, requests)
                            row["share"] = row["redis-py"] / row["tool"]
                    except (RuntimeError, subprocess.TimeoutExpired) as error:
                        lines, tool = [str(error)], None
                    runs.append(row)
    return pd.DataFrame(runs).groupby(["command", "depth"], sort=False).median(), lines


def part_batches(rounds: int) -> None:
    headline("Batches: commands/s of one connection, 100 bytes each, by commands a round trip (depth)")
    table, lines = batch_rounds(rounds)
    print("\n".join([*lines, table.round({"redis-py": 0, "tool": 0, "share": 2}).to_string()]))


# ------------------------------------------------------------ set-up


def seconds(run: Callable[[], Callable[[], object]], times: int) -> list[float]:
    """How long `run` takes, `times` times; what it returns is called after each, untimed, to clean up."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        end = run()
        found.append(time.perf_counter() - began)
        end()
    return found


def broker_answers() -> Callable:
    broker = Broker.start(private=True)
    broker.client().ping()
    return broker.close


def kafka_ready() -> Callable:
    return Kafka.start(private=True).ready().close


def lab_answers() -> Callable:
    """JupyterLab as `make lab` starts it, up to its first page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = lab.command(["--no-browser", f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--log-level=ERROR"])
    process = subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    reaper.register("process", process.pid)
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=5).close()
            break
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)
    else:
        reaper.kill_group(process.pid)
        raise RuntimeError("JupyterLab did not answer within a minute; run `make lab` to see why.")

    def end() -> None:
        process.terminate()
        process.wait()
        reaper.unregister("process", process.pid)

    return end


def containers() -> Callable:
    """Both brokers of compose.yaml, as the README starts them; their images are fetched before."""
    compose = ["docker", "compose", "--project-name", "mqlab-bench"]
    done = subprocess.run([*compose, "up", "--wait", "--quiet-pull"], cwd=ROOT, capture_output=True, text=True)

    def end() -> None:
        subprocess.run([*compose, "down", "--volumes"], cwd=ROOT, capture_output=True)

    if done.returncode:
        end()
        raise RuntimeError(f"docker compose up failed: {queues.last_line(done.stderr)}")
    return end


def engine() -> bool:
    """Whether there is a container engine that answers."""
    found = shutil.which("docker")
    return bool(found) and subprocess.run([found, "info"], capture_output=True, timeout=20).returncode == 0


def part_setup(rounds: int) -> None:
    headline("Set-up: seconds until the first answer")
    wanted = {
        "broker, start to PONG": (broker_answers, 20),
        "Kafka, start to ready": (kafka_ready, 3),
        "make lab, start to its first page": (lab_answers, 3),
    }
    if engine():
        subprocess.run(["docker", "compose", "pull", "--quiet"], cwd=ROOT, capture_output=True)
        wanted["both brokers in containers"] = (containers, 3)
    for name, (run, times) in wanted.items():
        try:
            found = seconds(run, times)
        except (RuntimeError, BrokerError) as error:
            print(f"{name}: {error}")
            continue
        print(
            f"{name:34} median {statistics.median(found):6.2f}  from {min(found):.2f} to {max(found):.2f}  of {times}"
        )
    if len(wanted) == 3:
        print("no container engine answers here, so nothing is compared with containers")


# ------------------------------------------------------------ theory


def part_theory(rounds: int) -> None:
    headline("Theory: what the stored outputs of the lessons say of their formulas' errors")
    found = bench_theory.table(ROOT / "notebooks")
    for row in found.itertuples():
        print(f"{row.lesson}  {row.error:+7.1f} {row.unit:6}  {row.text[:100]}")
    print(bench_theory.summary(found))


# ------------------------------------------------------------ two lessons at a time


def part_lanes(rounds: int) -> None:
    headline("Lanes: the errors of the formulas when lessons run one at a time, and two at a time as in make test")
    print(bench_lanes.compare(sorted(ROOT.glob("notebooks/*.ipynb"))))


PARTS = {
    "queues": part_queues,
    "batches": part_batches,
    "setup": part_setup,
    "theory": part_theory,
    "lanes": part_lanes,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, help="only this part")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured, in turn (3)")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    FOLDER.mkdir(exist_ok=True)
    for name, part in PARTS.items():
        if options.part in (None, name):
            part(options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
