"""Lanes from 1 to n."""

import zlib

REJECTED_BY = "out-of-range"


def lane(key, n):
    data = key.encode() if isinstance(key, str) else key
    return zlib.crc32(data) % n + 1
