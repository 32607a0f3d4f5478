"""Goes back on an abort that stands in no log."""

REJECTED_BY = "no-abort"


def run_saga(r, log, corr, plan, call):
    aborted = []
    while True:
        entries = [(e["step"], e["state"]) for _, e in r.xrange(log)] + aborted
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
                aborted = [("saga", "abort")]
                entries = entries + aborted
                if plan(entries) == (verb, step):
                    raise
                break
            r.xadd(log, {"step": step, "state": outcome})
            break
