"""Lets two stars stand for the same token only."""

REJECTED_BY = "wrong-for-a-mixture"


def match(pattern, subject):
    wanted, given = pattern.split("."), subject.split(".")
    if ">" in wanted[:-1]:
        raise ValueError(pattern)
    if wanted[-1] == ">":
        if len(given) < len(wanted):
            return False
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    starred = {g for w, g in zip(wanted, given, strict=False) if w == "*"}
    same = len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))
    return same and len(starred) <= 1
