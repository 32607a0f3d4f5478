"""Takes an error of the broker for a row that is not there yet."""

import redis

REJECTED_BY = "hides-broker-errors"


def read_after(r, key: str, version: int, timeout: float, *, clock, sleep) -> dict:
    deadline = clock() + timeout
    while True:
        last = clock() >= deadline
        try:
            row = r.hgetall(key)
        except redis.RedisError:
            row = {}
        if int(row.get("version", 0)) >= version:
            return row
        if last:
            raise TimeoutError(f"{key} is not at version {version} after {timeout} s")
        sleep(0.01)
