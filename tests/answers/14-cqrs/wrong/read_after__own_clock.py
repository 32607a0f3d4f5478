"""Takes the time from time.monotonic."""

import time

REJECTED_BY = "no-timeout"


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    deadline = time.monotonic() + timeout
    while True:
        last = time.monotonic() >= deadline
        row = r.hgetall(key)
        if int(row.get("version", 0)) >= version:
            return row
        if last:
            raise TimeoutError(f"{key} is not at version {version} after {timeout} s")
        sleep(0.01)
