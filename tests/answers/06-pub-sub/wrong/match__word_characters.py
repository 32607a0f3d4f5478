"""Lets a wildcard stand for letters, digits and underscores only."""

import re

REJECTED_BY = "wildcard-is-choosy"


def match(pattern, subject):
    tokens = pattern.split(".")
    if ">" in tokens[:-1]:
        raise ValueError(pattern)
    known = {"*": r"\w+", ">": r"\w+(\.\w+)*"}
    return re.fullmatch(r"\.".join(known.get(token, re.escape(token)) for token in tokens), subject) is not None
