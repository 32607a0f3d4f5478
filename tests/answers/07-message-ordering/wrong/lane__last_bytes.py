"""Only the end of the key."""

import zlib

REJECTED_BY = "uneven"


def lane(key, n):
    data = key.encode() if isinstance(key, str) else key
    return zlib.crc32(data[-2:]) % n
