"""A regular expression with $, which also matches before a last line break."""

import re

REJECTED_BY = "matches-a-part"


def match(pattern, subject):
    tokens = [{"*": "[^.]+", ">": ".+"}.get(token, re.escape(token)) for token in pattern.split(".")]
    return re.match(r"\.".join(tokens) + "$", subject) is not None
