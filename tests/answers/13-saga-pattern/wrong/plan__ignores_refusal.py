"""Turns back only when somebody aborts: a refused step is tried again."""

REJECTED_BY = "goes-forward-after-turning-back"


def plan(log, steps, pivot):
    last, back = {}, False
    for step, state in log:
        if state in ("abort",) and last.get(pivot) != "done":
            back = True
        last[step] = state
    if not back:
        for step in steps:
            if last.get(step) != "done":
                return "do", step
        return "end", "completed"
    for step in reversed(steps):
        if last.get(step) in ("doing", "done", "undoing"):
            return "undo", step
    return "end", "cancelled"
