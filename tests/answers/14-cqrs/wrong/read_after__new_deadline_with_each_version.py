"""Begins the time-out anew whenever the row has changed: there is progress, after all."""

REJECTED_BY = "restarts-the-clock"


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    deadline, before = clock() + timeout, None
    while True:
        last = clock() >= deadline
        row = r.hgetall(key)
        if int(row.get("version", 0)) >= version:
            return row
        if row and row != before:
            before, deadline, last = row, clock() + timeout, False
        if last:
            raise TimeoutError(f"{key} is not at version {version} after {timeout} s")
        sleep(0.01)
