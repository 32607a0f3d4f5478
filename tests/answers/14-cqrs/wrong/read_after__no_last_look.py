"""Gives up after the last pause without a look."""

REJECTED_BY = "no-last-look"


def read_after(r, key, version, timeout, *, clock, sleep):
    deadline = clock() + timeout
    while True:
        row = r.hgetall(key)
        if int(row.get("version", 0)) >= version:
            return row
        sleep(min(0.01, timeout))
        if clock() >= deadline:
            raise TimeoutError(key)
