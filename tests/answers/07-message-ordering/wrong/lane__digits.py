"""The number in the key: half of all numbers may be even, or all."""

import re
import zlib

REJECTED_BY = "uneven"


def lane(key, n):
    data = key.encode() if isinstance(key, str) else key
    digits = re.search(rb"\d+", data)
    return (int(digits[0]) if digits else zlib.crc32(data)) % n
