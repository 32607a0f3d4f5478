"""Compares in small letters."""

REJECTED_BY = "ignores-case"


def match(pattern, subject):
    wanted, given = pattern.lower().split("."), subject.lower().split(".")
    if ">" in wanted[:-1]:
        raise ValueError(pattern)
    if wanted[-1] == ">":
        if len(given) < len(wanted):
            return False
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))
