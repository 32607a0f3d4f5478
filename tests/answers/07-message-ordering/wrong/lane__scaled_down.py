"""Divides by the width of a lane, rounded down: the largest checksum lands in lane n."""

import zlib

REJECTED_BY = "out-of-range"


def lane(key, n):
    data = key.encode() if isinstance(key, str) else key
    return zlib.crc32(data) // (2**32 // n)
