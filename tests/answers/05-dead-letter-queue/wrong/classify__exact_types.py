"""Compares types with ==, so that no subclass is recognised."""

import json
import urllib.error

REJECTED_BY = "subclass-misjudged"


def classify(exc):
    if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError)):
        return "INVALID"
    if isinstance(exc, urllib.error.HTTPError):
        return "RETRY" if exc.code in (408, 429) or exc.code // 100 == 5 else "DEAD"
    if type(exc) in (ValueError, KeyError, IndexError, TypeError, ZeroDivisionError):
        return "DEAD"
    return "RETRY"
