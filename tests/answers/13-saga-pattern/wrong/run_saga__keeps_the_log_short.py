"""Keeps the last six entries of the log."""

REJECTED_BY = "goes-round"


def run_saga(r, log, corr, plan, call):
    while True:
        entries = [(e["step"], e["state"]) for _, e in r.xrange(log)]
        verb, step = plan(entries)
        if verb == "end":
            return step
        r.xadd(log, {"step": step, "state": verb + "ing"}, maxlen=6, approximate=False)
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
            r.xadd(log, {"step": step, "state": outcome}, maxlen=6, approximate=False)
            break
