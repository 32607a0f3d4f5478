"""Compensates as soon as an outcome is missing, though nobody aborted."""

REJECTED_BY = "turns-back-unasked"


def plan(log, steps, pivot):
    last, back = {}, False
    for step, state in log:
        if state in ("abort", "refused") and last.get(pivot) != "done":
            back = True
        last[step] = state
    back = back or "doing" in last.values() and last.get(pivot) != "done"
    if not back:
        for step in steps:
            if last.get(step) != "done":
                return "do", step
        return "end", "completed"
    for step in reversed(steps):
        if last.get(step) in ("doing", "done", "undoing"):
            return "undo", step
    return "end", "cancelled"
