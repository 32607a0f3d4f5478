"""Says that the row is there, and does not return it."""

REJECTED_BY = "not-a-row"


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    deadline = clock() + timeout
    while True:
        last = clock() >= deadline
        row = r.hgetall(key)
        if int(row.get("version", 0)) >= version:
            return True
        if last:
            raise TimeoutError(f"{key} is not at version {version} after {timeout} s")
        sleep(0.01)
