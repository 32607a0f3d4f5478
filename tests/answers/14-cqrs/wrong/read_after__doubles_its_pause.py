"""Doubles its pause without a limit."""

REJECTED_BY = "long-pause"


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    deadline, pause = clock() + timeout, 0.001
    while True:
        last = clock() >= deadline
        row = r.hgetall(key)
        if int(row.get("version", 0)) >= version:
            return row
        if last:
            raise TimeoutError(f"{key} is not at version {version} after {timeout} s")
        sleep(pause)
        pause *= 2
