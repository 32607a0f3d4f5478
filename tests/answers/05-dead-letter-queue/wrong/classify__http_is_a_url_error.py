"""Forgets that an HTTPError is a URLError: a 404 is retried like a broken line."""

import json
import urllib.error

REJECTED_BY = "http-status-ignored"


def classify(exc):
    if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError)):
        return "INVALID"
    if isinstance(exc, urllib.error.URLError):
        return "RETRY"
    if isinstance(exc, (ValueError, LookupError, TypeError, ArithmeticError)):
        return "DEAD"
    return "RETRY"
