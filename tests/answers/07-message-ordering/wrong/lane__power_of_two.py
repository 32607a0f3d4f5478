"""A mask works for 2, 4, 8 lanes only."""

import zlib

REJECTED_BY = "uneven"


def lane(key, n):
    data = key.encode() if isinstance(key, str) else key
    return zlib.crc32(data) & (n - 1)
