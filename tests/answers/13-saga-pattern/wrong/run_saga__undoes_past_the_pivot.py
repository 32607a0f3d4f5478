"""Compensates on its own when a step past the pivot is silent."""

REJECTED_BY = "compensates-after-the-pivot"


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
                    for done in ("ship", "charge", "reserve"):
                        r.xadd(log, {"step": done, "state": "undoing"})
                        call("undo", done, f"{corr}/{done}")
                        r.xadd(log, {"step": done, "state": "undone"})
                    return "cancelled"
                break
            r.xadd(log, {"step": step, "state": outcome})
            break
