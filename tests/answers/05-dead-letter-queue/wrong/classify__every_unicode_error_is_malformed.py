"""Takes every UnicodeError for malformed input."""

import json
import urllib.error

REJECTED_BY = "other-value-misjudged"


def classify(exc):
    if isinstance(exc, (json.JSONDecodeError, UnicodeError)):
        return "INVALID"
    if isinstance(exc, urllib.error.HTTPError):
        return "RETRY" if exc.code in (408, 429) or exc.code // 100 == 5 else "DEAD"
    if isinstance(exc, (ValueError, LookupError, TypeError, ArithmeticError)):
        return "DEAD"
    return "RETRY"
