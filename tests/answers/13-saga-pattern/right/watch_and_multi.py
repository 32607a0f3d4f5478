"""WATCH and MULTI instead of scripts; a recursive saga; a plan as a small state machine."""

import redis

GOOD = {"StockReserved": "ReleaseStock", "PaymentAuthorised": "RefundPayment"}
BAD = {"OutOfStock", "PaymentFailed", "OrderCancelled"}


def plan(log, steps, pivot):
    forward, state = True, dict.fromkeys(steps)
    for step, news in log:
        if news in ("abort", "refused") and state[pivot] != "done":
            forward = False
        if step in state:
            state[step] = news
    if forward:
        left = [step for step in steps if state[step] != "done"]
        return ("do", left[0]) if left else ("end", "completed")
    left = [step for step in steps if state[step] in {"doing", "done", "undoing"}]
    return ("undo", left.pop()) if left else ("end", "cancelled")


def run_saga(r, log, corr, plan, call):
    entries = [(entry["step"], entry["state"]) for _, entry in r.xrange(log)]
    what, step = plan(entries)
    if what == "end":
        return step
    r.xadd(log, {"step": step, "state": f"{what}ing"})
    for attempt in range(3):
        try:
            r.xadd(log, {"step": step, "state": call(what, step, f"saga {corr}, {step}")})
            break
        except TimeoutError:
            pass
    else:
        if what == "undo":
            raise TimeoutError(f"no answer to undo {step}")
        r.xadd(log, {"step": "saga", "state": "abort"})
        if plan([*entries, (step, "doing"), ("saga", "abort")]) == ("do", step):
            raise TimeoutError(f"no answer to do {step}")
    return run_saga(r, log, corr, plan, call)


def on_event(r, event, *, orders, commands):
    kind, notes = event["type"], f"{orders}:{event['corr']}"
    if kind not in GOOD and kind not in BAD:
        return
    while True:
        with r.pipeline() as p:
            p.watch(notes)
            seen = set(p.hkeys(notes)) | {kind}
            if seen & BAD and "ShipOrder" not in seen:
                wanted = ["CancelOrder", *(undo for good, undo in GOOD.items() if good in seen)]
            else:
                wanted = ["ShipOrder"] if set(GOOD) <= seen else []
            p.multi()
            p.hset(notes, kind, 1)
            for command in wanted:
                if command not in seen:
                    p.hset(notes, command, 1)
                    p.xadd(commands, {"type": command, "corr": event["corr"]})
            try:
                p.execute()
                return
            except redis.WatchError:
                continue


class Shelf:
    def __init__(self, r, key, *, count, hold_s, clock):
        self.r, self.key, self.count, self.hold_s, self.clock = r, key, count, hold_s, clock

    def _atomically(self, decide):
        while True:
            with self.r.pipeline() as p:
                p.watch(self.key)
                now, notes = self.clock(), {}
                for saga, note in p.hgetall(self.key).items():
                    state, n, expiry = note.split()
                    ended = state == "held" and float(expiry) <= now
                    notes[saga] = ("over", 0, 0.0) if ended else (state, int(n), float(expiry))
                answer = decide(notes, now)
                p.multi()
                for saga, (state, n, expiry) in notes.items():
                    p.hset(self.key, saga, f"{state} {n} {expiry!r}")
                try:
                    p.execute()
                    return answer
                except redis.WatchError:
                    continue

    def reserve(self, saga, n):
        def decide(notes, now):
            if saga not in notes and n <= self.count - sum(held for _, held, _ in notes.values()):
                notes[saga] = ("held", n, now + self.hold_s)
            return saga in notes and notes[saga][0] != "over"

        return self._atomically(decide)

    def confirm(self, saga):
        def decide(notes, now):
            state, n, _ = notes.get(saga, ("unknown", 0, 0))
            if state == "held":
                notes[saga] = ("sold", n, 0.0)
            return int(state in ("held", "sold"))

        return self._atomically(decide)

    def release(self, saga):
        def decide(notes, now):
            if notes.get(saga, ("unknown",))[0] != "sold":
                notes[saga] = ("over", 0, 0.0)

        self._atomically(decide)

    def free(self):
        return self._atomically(lambda notes, now: self.count - sum(n for _, n, _ in notes.values()))
