"""Asks the key itself for its hash."""

REJECTED_BY = "differs-per-process"


def lane(key, n):
    return (key if isinstance(key, str) else key.decode()).__hash__() % n
