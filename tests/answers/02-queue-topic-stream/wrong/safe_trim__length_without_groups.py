"""Returns the length when nothing was removed."""

REJECTED_BY = "wrong-count"


def safe_trim(r, stream):
    if not r.exists(stream):
        return None
    return 0
