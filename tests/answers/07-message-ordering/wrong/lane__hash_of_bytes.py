"""The hash() of the bytes is salted as well."""

REJECTED_BY = "differs-per-process"


def lane(key, n):
    return hash(key.encode() if isinstance(key, str) else key) % n
