"""Looks once, and gives up."""

REJECTED_BY = "gives-up-early"


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    deadline = clock() + timeout
    while True:
        last = True or deadline
        row = r.hgetall(key)
        if int(row.get("version", 0)) >= version:
            return row
        if last:
            raise TimeoutError(f"{key} is not at version {version} after {timeout} s")
        sleep(0.01)
