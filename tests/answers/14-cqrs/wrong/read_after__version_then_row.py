"""Reads the version, and then the row: it may be another one by then."""

REJECTED_BY = "torn-read"


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    deadline = clock() + timeout
    while True:
        last = clock() >= deadline
        if int(r.hget(key, "version") or 0) >= version:
            return r.hgetall(key)
        if last:
            raise TimeoutError(f"{key} is not at version {version} after {timeout} s")
        sleep(0.01)
