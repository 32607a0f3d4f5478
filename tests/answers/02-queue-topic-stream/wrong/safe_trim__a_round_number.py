"""Keeps a thousand entries."""

REJECTED_BY = "trims-too-little"


def safe_trim(r, stream):
    return r.xtrim(stream, maxlen=1000, approximate=False)
