"""Python's hash(): another one in each process."""

REJECTED_BY = "differs-per-process"


def lane(key, n):
    return hash(key if isinstance(key, str) else key.decode()) % n
