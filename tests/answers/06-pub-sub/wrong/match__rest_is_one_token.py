"""Takes > for one token, like the star."""

REJECTED_BY = "rest-is-one-token"


def match(pattern, subject):
    wanted, given = pattern.split("."), subject.split(".")
    if ">" in wanted[:-1]:
        raise ValueError(pattern)
    if wanted[-1] == ">":
        wanted = [*wanted[:-1], "*"]
    return len(wanted) == len(given) and all(w in ("*", g) for w, g in zip(wanted, given, strict=True))
