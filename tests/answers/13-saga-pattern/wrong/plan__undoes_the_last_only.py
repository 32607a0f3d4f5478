"""Compensates one step, and calls the saga cancelled."""

REJECTED_BY = "ends-early"


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
    if "undone" in last.values():
        return "end", "cancelled"
    for step in reversed(steps):
        if last.get(step) in ("doing", "done", "undoing"):
            return "undo", step
    return "end", "cancelled"
