"""Answers in words, which are all true."""

REJECTED_BY = "not-a-bool"


def match(pattern, subject):
    wanted, given = pattern.split("."), subject.split(".")
    if ">" in wanted[:-1]:
        raise ValueError(pattern)
    if wanted[-1] == ">":
        if len(given) < len(wanted):
            return "no"
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    same = len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))
    return "yes" if same else "no"
