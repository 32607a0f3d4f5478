"""Looks, sleeps for the whole time-out, and looks again."""

REJECTED_BY = "late-looks"


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    deadline = clock() + timeout
    while True:
        last = clock() >= deadline
        row = r.hgetall(key)
        if int(row.get("version", 0)) >= version:
            return row
        if last:
            raise TimeoutError(f"{key} is not at version {version} after {timeout} s")
        sleep(max(0.001, deadline - clock()))
