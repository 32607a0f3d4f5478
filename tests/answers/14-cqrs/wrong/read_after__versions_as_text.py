"""Compares versions as text."""

REJECTED_BY = "text-versions"


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    deadline = clock() + timeout
    while True:
        last = clock() >= deadline
        row = r.hgetall(key)
        if row.get("version", "0") >= str(version):
            return row
        if last:
            raise TimeoutError(f"{key} is not at version {version} after {timeout} s")
        sleep(0.01)
