"""Believes that trying again cannot hurt."""

import json
import urllib.error

REJECTED_BY = "permanent-misjudged"


def classify(exc):
    if isinstance(exc, (json.JSONDecodeError, UnicodeDecodeError)):
        return "INVALID"
    if isinstance(exc, urllib.error.HTTPError):
        return "RETRY" if exc.code in (408, 429) or exc.code // 100 == 5 else "DEAD"
    return "RETRY"
