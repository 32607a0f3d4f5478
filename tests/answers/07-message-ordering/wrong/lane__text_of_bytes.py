"""str() of bytes is b'…', another text."""

import zlib

REJECTED_BY = "text-and-bytes-differ"


def lane(key, n):
    data = str(key).encode()
    return zlib.crc32(data) % n
