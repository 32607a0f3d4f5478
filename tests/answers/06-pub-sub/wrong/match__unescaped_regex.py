"""A regular expression in which the other characters keep their meaning."""

import re

REJECTED_BY = "special-characters"


def match(pattern, subject):
    tokens = [{"*": "[^.]+", ">": ".+"}.get(token, token.replace("*", r"\*")) for token in pattern.split(".")]
    return re.fullmatch(".".join(tokens), subject) is not None
