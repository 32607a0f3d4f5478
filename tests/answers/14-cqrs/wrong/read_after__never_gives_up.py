"""Waits for as long as it takes."""

REJECTED_BY = "no-timeout"


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    while True:
        row = r.hgetall(key)
        if int(row.get("version", 0)) >= version:
            return row
        sleep(0.01)
