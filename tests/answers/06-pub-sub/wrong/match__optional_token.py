"""A star that also stands for no token at all."""

import re

REJECTED_BY = "star-needs-a-token"


def match(pattern, subject):
    tokens = []
    for token in pattern.split("."):
        tokens.append({"*": r"(\.[^.]+)?", ">": r"(\.[^.]+)+"}.get(token, r"\." + re.escape(token)))
    return re.fullmatch("".join(tokens), "." + subject) is not None
