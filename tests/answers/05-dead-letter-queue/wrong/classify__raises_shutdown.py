"""Raises the shutdown again instead of returning a verdict."""

import json
import urllib.error

REJECTED_BY = "not-a-verdict"


def classify(exc):
    if isinstance(exc, (SystemExit, KeyboardInterrupt)):
        return None  # nothing to classify
    if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError)):
        return "INVALID"
    if isinstance(exc, urllib.error.HTTPError):
        return "RETRY" if exc.code in (408, 429) or exc.code // 100 == 5 else "DEAD"
    if isinstance(exc, (ValueError, LookupError, TypeError, ArithmeticError)):
        return "DEAD"
    return "RETRY"
