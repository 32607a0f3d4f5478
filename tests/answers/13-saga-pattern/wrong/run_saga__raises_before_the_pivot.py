"""Gives up with an exception, though the saga could still go back."""

REJECTED_BY = "timeout-escapes"


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
                raise
            r.xadd(log, {"step": step, "state": outcome})
            break
