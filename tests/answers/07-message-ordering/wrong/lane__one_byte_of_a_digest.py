"""The first byte of a good hash: 256 values do not divide evenly among 100 lanes."""

import hashlib

REJECTED_BY = "uneven-with-many-lanes"


def lane(key, n):
    data = key.encode() if isinstance(key, str) else key
    return hashlib.md5(data).digest()[0] % n
