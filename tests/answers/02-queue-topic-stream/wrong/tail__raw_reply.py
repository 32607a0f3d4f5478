"""Returns the reply of XREAD as it is."""

REJECTED_BY = "wrong-shape"


def tail(r, stream, cursor, n):
    return r.xread({stream: cursor}, count=n)
