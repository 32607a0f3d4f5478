"""Returns the old row when the time is over."""

REJECTED_BY = "stale-answer"


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    deadline = clock() + timeout
    while True:
        last = clock() >= deadline
        row = r.hgetall(key)
        if int(row.get("version", 0)) >= version:
            return row
        if last:
            return row
        sleep(0.01)
