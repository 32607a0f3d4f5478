"""Where the object is in memory says nothing about the key."""

REJECTED_BY = "not-stable"


def lane(key, n):
    return id(key) // 64 % n
