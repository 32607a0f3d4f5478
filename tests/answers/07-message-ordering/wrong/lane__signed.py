"""Java's remainder: negative for a negative hash."""

import zlib

REJECTED_BY = "out-of-range"


def lane(key, n):
    data = key.encode() if isinstance(key, str) else key
    signed = (zlib.crc32(data) ^ 0x80000000) - 0x80000000
    return signed % n if signed >= 0 else -(-signed % n)
