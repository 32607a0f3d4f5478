"""Looks into the error's text, which is meant for people."""

import json
import urllib.error

REJECTED_BY = "reads-the-text"


def classify(exc):
    if "timed out" in str(exc) or "try again" in str(exc):
        return "RETRY"
    if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError)):
        return "INVALID"
    if isinstance(exc, urllib.error.HTTPError):
        return "RETRY" if exc.code in (408, 429) or exc.code // 100 == 5 else "DEAD"
    if isinstance(exc, (ValueError, LookupError, TypeError, ArithmeticError)):
        return "DEAD"
    return "RETRY"
