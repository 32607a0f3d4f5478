"""Compensates every step, also those that never ran."""

REJECTED_BY = "undoes-what-never-ran"


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
        if last.get(step) != "undone":
            return "undo", step
    return "end", "cancelled"
