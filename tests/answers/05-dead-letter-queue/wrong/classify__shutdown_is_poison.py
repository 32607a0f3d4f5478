"""Takes every BaseException for the message's fault, also the order to stop."""

import json
import urllib.error

REJECTED_BY = "shutdown-misjudged"


def classify(exc):
    if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError)):
        return "INVALID"
    if isinstance(exc, urllib.error.HTTPError):
        return "RETRY" if exc.code in (408, 429) or exc.code // 100 == 5 else "DEAD"
    if isinstance(exc, (ValueError, LookupError, TypeError, ArithmeticError)):
        return "DEAD"
    if isinstance(exc, OSError):
        return "RETRY"
    return "RETRY" if isinstance(exc, Exception) else "DEAD"
