"""Ignores what stands behind >."""

REJECTED_BY = "accepts-rest-inside"


def match(pattern, subject):
    given = subject.split(".")
    for n, token in enumerate(pattern.split(".")):
        if token == ">":
            return n < len(given)
        if n >= len(given) or token not in ("*", given[n]):
            return False
    return n + 1 == len(given)
