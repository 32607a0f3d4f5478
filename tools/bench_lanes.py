"""Do two lessons at a time, as `make test` runs them, disturb each other's measurements? For `make bench`."""

from __future__ import annotations

import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pandas as pd

from tools import bench_theory, notebooks


def run(paths: list[Path], lanes: int, folder: Path) -> pd.DataFrame:
    """Execute copies of the lessons in `folder`, so many at a time: lesson, seconds, failed, and its errors of theory.

    Lane 0 runs every `lanes`-th lesson in turn, and so on, each in a fresh kernel. errors: absolute, in % or points.
    """

    def lane(number: int) -> list[dict]:
        return [one(path) for path in paths[number::lanes]]

    def one(path: Path) -> dict:
        copy = Path(shutil.copy(path, folder))
        begun, failed = time.perf_counter(), ""
        try:
            nbformat.write(notebooks.execute(copy), copy)
        except Exception as error:  # any lesson that fails is counted, the others run on
            failed = str(error).strip().splitlines()[-1]
        found = [] if failed else bench_theory.errors(nbformat.read(copy, 4))
        sizes = [abs(row["error"]) for row in found]
        return {"lesson": path.stem, "seconds": time.perf_counter() - begun, "failed": failed, "errors": sizes}

    with ThreadPoolExecutor(lanes) as pool:
        rows = [row for part in pool.map(lane, range(lanes)) for row in part]
    return pd.DataFrame(rows).set_index("lesson").sort_index()


def compare(paths: list[Path]) -> str:
    """A table of the same lessons one at a time and two at a time, and a line with all errors together."""
    columns, last = {}, []
    for lanes, name in ((1, "alone"), (2, "two")):
        with tempfile.TemporaryDirectory(prefix="mqlab-lanes-") as folder:
            begun = time.perf_counter()
            found = run(paths, lanes, Path(folder))
            took = time.perf_counter() - begun
        columns[f"{name} s"] = found.seconds.round(1)
        columns[f"{name} median"] = found.errors.map(lambda sizes: pd.Series(sizes, dtype=float).median()).round(1)
        columns[f"{name} worst"] = found.errors.map(lambda sizes: max(sizes, default=float("nan"))).round(1)
        errors = found.errors.explode().dropna().astype(float)
        last.append(
            f"{name:5}  {took:5.0f} s, {(found.failed != '').sum()} failed; {len(errors)} errors in % or points, "
            f"median {errors.median():.1f}, nine tenths up to {errors.quantile(0.9):.1f}, "
            f"beyond 10: {(errors > 10).sum()}"
        )
        last += [f"       {lesson}: {why}" for lesson, why in found.failed.items() if why]
    return "\n".join([pd.DataFrame(columns).to_string(na_rep="-"), *last])
