"""Compensates only steps whose outcome is known: a time-out counts as a failure."""

REJECTED_BY = "skips-the-ambiguous"


def plan(log, steps, pivot):
    last, back = {}, False
    for step, state in log:
        if state in ("abort", "refused") and last.get(pivot) != "done":
            back = True
        last[step] = state
    if not back:
        for step in steps:
            if last.get(step) != "done":
                return "do", step
        return "end", "completed"
    for step in reversed(steps):
        if last.get(step) in ("done", "undoing"):
            return "undo", step
    return "end", "cancelled"
