"""Asks for ValueError first: a JSONDecodeError is one, too, and never gets to its own row."""

import json
import urllib.error

REJECTED_BY = "malformed-misjudged"


def classify(exc):
    if isinstance(exc, urllib.error.HTTPError):
        return "RETRY" if exc.code in (408, 429) or exc.code // 100 == 5 else "DEAD"
    if isinstance(exc, (ValueError, LookupError, TypeError, ArithmeticError)):
        return "DEAD"
    if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError)):
        return "INVALID"
    return "RETRY"
