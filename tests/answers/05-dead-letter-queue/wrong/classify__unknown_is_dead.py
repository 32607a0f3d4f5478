"""Buries what it does not know, although k would bound the attempts."""

import json
import urllib.error

REJECTED_BY = "unknown-misjudged"


def classify(exc):
    if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError)):
        return "INVALID"
    if isinstance(exc, urllib.error.HTTPError):
        return "RETRY" if exc.code in (408, 429) or exc.code // 100 == 5 else "DEAD"
    if isinstance(exc, (ValueError, LookupError, TypeError, ArithmeticError)):
        return "DEAD"
    if isinstance(exc, (ConnectionError, TimeoutError, urllib.error.URLError, SystemExit, KeyboardInterrupt)):
        return "RETRY"
    return "DEAD"
