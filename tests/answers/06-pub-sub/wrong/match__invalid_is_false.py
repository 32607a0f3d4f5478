"""Says False to an invalid pattern."""

REJECTED_BY = "accepts-rest-inside"


def match(pattern, subject):
    wanted, given = pattern.split("."), subject.split(".")
    if ">" in wanted[:-1]:
        return False
    if wanted[-1] == ">":
        if len(given) < len(wanted):
            return False
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))
