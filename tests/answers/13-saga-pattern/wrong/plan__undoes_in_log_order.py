"""Undoes what took effect last by the log, not the last of the steps."""

REJECTED_BY = "undoes-in-log-order"


def plan(log, steps, pivot):
    last, back = {}, False
    for step, state in log:
        if state in ("abort", "refused") and last.get(pivot) != "done":
            back = True
        last[step] = state
    if not back:
        todo = [step for step in steps if last.get(step) != "done"]
        return ("do", todo[0]) if todo else ("end", "completed")
    for step, _ in reversed(log):
        if last[step] in ("doing", "done", "undoing"):
            return "undo", step
    return "end", "cancelled"
