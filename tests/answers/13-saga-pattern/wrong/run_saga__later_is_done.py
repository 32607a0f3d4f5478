"""Writes done after every call that returned."""

REJECTED_BY = "later-is-done"


def run_saga(r, log, corr, plan, call):
    while True:
        entries = [(e["step"], e["state"]) for _, e in r.xrange(log)]
        verb, step = plan(entries)
        if verb == "end":
            return step
        r.xadd(log, {"step": step, "state": verb + "ing"})
        for attempt in range(3):
            try:
                outcome = call(verb, step, f"{corr}/{step}")
            except TimeoutError:
                if attempt < 2:
                    continue
                if verb == "undo":
                    raise
                r.xadd(log, {"step": "saga", "state": "abort"})
                entries = [(e["step"], e["state"]) for _, e in r.xrange(log)]
                if plan(entries) == (verb, step):
                    raise
                break
            r.xadd(log, {"step": step, "state": "done" if outcome == "later" else outcome})
            break
