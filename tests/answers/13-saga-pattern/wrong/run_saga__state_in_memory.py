"""Keeps the progress in a variable; the log is written and never read."""

REJECTED_BY = "calls-again"


def run_saga(r, log, corr, plan, call):
    entries = []
    while True:
        verb, step = plan(entries)
        if verb == "end":
            return step
        r.xadd(log, {"step": step, "state": verb + "ing"})
        entries.append((step, verb + "ing"))
        for attempt in range(3):
            try:
                outcome = call(verb, step, f"{corr}/{step}")
            except TimeoutError:
                if attempt < 2:
                    continue
                if verb == "undo":
                    raise
                r.xadd(log, {"step": "saga", "state": "abort"})
                entries.append(("saga", "abort"))
                if plan(entries) == (verb, step):
                    raise
                break
            r.xadd(log, {"step": step, "state": outcome})
            entries.append((step, outcome))
            break
