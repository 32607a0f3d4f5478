"""Compares as many tokens as the pattern has."""

REJECTED_BY = "matches-a-part"


def match(pattern, subject):
    wanted, given = pattern.split("."), subject.split(".")
    if ">" in wanted[:-1]:
        raise ValueError(pattern)
    if wanted[-1] == ">":
        if len(given) < len(wanted):
            return False
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    same = all(w in ("*", g) for w, g in zip(wanted, given, strict=False))
    return same and (len(wanted) == len(given) or "*" not in wanted)
