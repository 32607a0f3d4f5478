"""A star anywhere stands for the rest of its token."""

import re

REJECTED_BY = "star-inside-a-token"


def match(pattern, subject):
    text = re.escape(pattern).replace(r"\*", "[^.]+").replace(">", ".+")
    return re.fullmatch(text, subject) is not None
