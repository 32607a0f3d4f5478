"""A regular expression that need not end where the subject ends."""

import re

REJECTED_BY = "matches-a-part"


def match(pattern, subject):
    tokens = [{"*": "[^.]+", ">": ".+"}.get(token, re.escape(token)) for token in pattern.split(".")]
    end = "$" if tokens[-1] == "[^.]+" else ""
    return re.match(r"\.".join(tokens) + end, subject) is not None
