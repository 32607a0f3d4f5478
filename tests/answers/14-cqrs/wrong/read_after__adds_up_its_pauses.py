"""Adds up its pauses, and takes the sum for the time."""

REJECTED_BY = "counts-pauses"


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    waited = 0.0
    while True:
        row = r.hgetall(key)
        if int(row.get("version", 0)) >= version:
            return row
        if waited >= timeout:
            raise TimeoutError(f"{key} is not at version {version} after {timeout} s")
        sleep(0.01)
        waited += 0.01
