"""A sum forgets where a byte stands, and crowds in the middle."""

import zlib

REJECTED_BY = "uneven"


def lane(key, n):
    data = key.encode() if isinstance(key, str) else key
    return sum(data) // 4 % n
