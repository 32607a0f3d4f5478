"""Refuses > also where it is only a part of a token."""

REJECTED_BY = "refuses-a-valid-one"


def match(pattern, subject):
    wanted, given = pattern.split("."), subject.split(".")
    if ">" in pattern[:-1]:
        raise ValueError(pattern)
    if wanted[-1] == ">":
        if len(given) < len(wanted):
            return False
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))
