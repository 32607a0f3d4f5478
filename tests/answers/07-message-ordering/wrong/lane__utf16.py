"""Another encoding gives other bytes."""

import zlib

REJECTED_BY = "text-and-bytes-differ"


def lane(key, n):
    data = key.encode("utf-16") if isinstance(key, str) else key
    return zlib.crc32(data) % n
