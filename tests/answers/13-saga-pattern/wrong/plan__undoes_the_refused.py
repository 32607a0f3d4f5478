"""Takes a refused step for one that may have run."""

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
        if last.get(step) in ("doing", "done", "undoing", "refused"):
            return "undo", step
    return "end", "cancelled"
