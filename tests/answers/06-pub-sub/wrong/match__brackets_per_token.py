"""Leaves question marks and brackets to fnmatch."""

from fnmatch import fnmatchcase

REJECTED_BY = "special-characters"


def match(pattern, subject):
    wanted, given = pattern.split("."), subject.split(".")
    if ">" in wanted[:-1]:
        raise ValueError(pattern)
    if wanted[-1] == ">":
        if len(given) < len(wanted):
            return False
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(
        w == "*" or w == g or ("*" not in w and fnmatchcase(g, w)) for w, g in zip(wanted, given, strict=True)
    )
