"""Any lane, as long as they are even."""

import random

REJECTED_BY = "not-stable"


def lane(key, n):
    return random.randrange(n)
