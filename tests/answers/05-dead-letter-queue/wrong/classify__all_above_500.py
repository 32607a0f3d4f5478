"""Takes every status from 500 on for the server's trouble."""

import json
import urllib.error

REJECTED_BY = "http-status-ignored"


def classify(exc):
    if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError)):
        return "INVALID"
    if isinstance(exc, urllib.error.HTTPError):
        return "RETRY" if exc.code in (408, 429) or exc.code >= 500 else "DEAD"
    if isinstance(exc, (ValueError, LookupError, TypeError, ArithmeticError)):
        return "DEAD"
    return "RETRY"
