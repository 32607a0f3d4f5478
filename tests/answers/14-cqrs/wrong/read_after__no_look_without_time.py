"""Looks only while there is time left."""

REJECTED_BY = "no-look"


def read_after(r, key, version, timeout, *, clock, sleep):
    deadline = clock() + timeout
    while clock() < deadline:
        row = r.hgetall(key)
        if int(row.get("version", 0)) >= version:
            return row
        sleep(0.01)
    raise TimeoutError(key)
