"""Returns a sentence for people."""

REJECTED_BY = "not-an-action"


def plan(log, steps, pivot):
    last, back = {}, False
    for step, state in log:
        if state in ("abort", "refused") and last.get(pivot) != "done":
            back = True
        last[step] = state
    if not back:
        for step in steps:
            if last.get(step) != "done":
                return f"do {step}"
        return "end", "completed"
    for step in reversed(steps):
        if last.get(step) in ("doing", "done", "undoing"):
            return "undo", step
    return "end", "cancelled"
