"""Buries what looks like a bug of the worker, which the next version repairs."""

import json
import urllib.error

REJECTED_BY = "unknown-misjudged"


def classify(exc):
    if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError)):
        return "INVALID"
    if isinstance(exc, urllib.error.HTTPError):
        return "RETRY" if exc.code in (408, 429) or exc.code // 100 == 5 else "DEAD"
    if isinstance(exc, (ValueError, LookupError, TypeError, ArithmeticError, AttributeError)):
        return "DEAD"
    return "RETRY"
