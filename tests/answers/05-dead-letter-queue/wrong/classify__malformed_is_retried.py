"""Does not know malformed messages: they go round with the transient failures."""

import urllib.error

REJECTED_BY = "malformed-misjudged"


def classify(exc):
    if isinstance(exc, urllib.error.HTTPError):
        return "RETRY" if exc.code in (408, 429) or exc.code // 100 == 5 else "DEAD"
    if isinstance(exc, (LookupError, TypeError, ArithmeticError)):
        return "DEAD"
    return "RETRY"
