"""fnmatch, as the shell and Redis do it: its star crosses dots."""

import fnmatch

REJECTED_BY = "star-crosses-dots"


def match(pattern, subject):
    return fnmatch.fnmatchcase(subject, pattern.replace(">", "*"))
