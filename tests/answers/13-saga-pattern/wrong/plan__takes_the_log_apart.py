"""Takes entries out of the log that it was given."""

REJECTED_BY = "changes-its-input"


def plan(log, steps, pivot):
    last, back = {}, False
    while log:
        step, state = log.pop(0)
        if state in ("abort", "refused") and last.get(pivot) != "done":
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
