"""Bytes are made text first, and not all bytes are text."""

import zlib

REJECTED_BY = "raised"


def lane(key, n):
    text = key if isinstance(key, str) else key.decode()
    return zlib.crc32(text.encode()) % n
