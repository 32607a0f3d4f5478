"""Checks of lab 13: what next, a saga that any process can take over, a join without a center, a semantic lock."""

from __future__ import annotations

import itertools
import os
import signal
from functools import partial

import redis

from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.sweeps import crash_sweep, interleave, lost_reply_sweep, race, values
from mqlab.checks.traced import Hook, traced_client
from mqlab.faults import FakeClock
from mqlab.kiosk import envelope

lab = Lab("13-saga-pattern")
STRETCH = ("Shelf",)


class _Mute(Hook):
    """A broker that does not answer in time."""

    def before(self, connection, step):
        raise redis.TimeoutError("Timeout reading from socket")


def _passes_errors_on(bench, call, because):
    """Raise unless `call(r)` lets the errors of the broker out."""
    with traced_client(bench.broker.url, _Mute(), socket_timeout=None) as mute:
        for r, what in ((bench.unreachable(), "was down"), (mute, "did not answer in time")):
            try:
                got = call(r)
            except redis.RedisError:
                continue
            raise NotYet("hides-broker-errors", f"returned {got!r:.30} although the broker {what}.",
                         "The error passes through.", because)  # fmt: skip


# ---------------------------------------------------------------- task 1


def _turned_back(log, pivot):
    last = {}
    for step, state in log:
        if state in ("abort", "refused") and last.get(pivot) != "done":
            return True
        last[step] = state
    return False


def _plan(log, steps, pivot):
    """The rules of task 1; task 2 gives it to the learner."""
    log = [tuple(entry) for entry in log]
    last = dict(log)
    if not _turned_back(log, pivot):
        todo = [step for step in steps if last.get(step) != "done"]
        return ("do", todo[0]) if todo else ("end", "completed")
    possible = [step for step in steps if last.get(step) in ("doing", "done", "undoing")]
    return ("undo", possible[-1]) if possible else ("end", "cancelled")


def _histories(steps, pivot, longest):
    """All logs of at most that length that a run of the saga can leave, the shortest first."""
    known, waiting = {()}, [()]
    while waiting:
        log = waiting.pop(0)
        yield log
        if len(log) < longest:
            for entry in _next_entries(log, steps, pivot):
                if (longer := (*log, entry)) not in known:
                    known.add(longer)
                    waiting.append(longer)


def _next_entries(log, steps, pivot):
    last = dict(log)
    what, step = _plan(log, steps, pivot)
    if ("saga", "abort") not in log:
        yield ("saga", "abort")
    if what == "do":
        if last.get(step) == "doing":
            yield (step, "done")
            yield (step, "refused" if steps.index(step) <= steps.index(pivot) else "later")
        if log.count((step, "doing")) < 3:  # the first time, or again by the next process
            yield (step, "doing")
    elif what == "undo":
        if last.get(step) == "undoing":
            yield (step, "undone")
        if log.count((step, "undoing")) < 2:
            yield (step, "undoing")
    if _turned_back(log, pivot):
        for late in steps:  # the outcome of a call that nobody waits for any more
            outcomes = log.count((late, "done")) + log.count((late, "refused"))
            if log.count((late, "doing")) > outcomes and ((late, "refused") not in log):
                yield (late, "done")
                if not outcomes and last[late] == "doing" and steps.index(late) <= steps.index(pivot):
                    yield (late, "refused")


SAYS = {
    "compensates-after-pivot": "Past the pivot there is no way back: what cannot be undone has happened.",
    "turns-back-unasked": "Nobody aborted, and nothing was refused.",
    "ends-early": "Something is left to do. A saga that is called ended is looked at by nobody again.",
    "skips-the-unanswered": "An intent without an outcome, or a later, is not done. It is asked again.",
    "repeats-what-is-done": "Its outcome is in the log. The log is there so that nothing is done again.",
    "wrong-order": "The steps have an order: the first one that is not done comes next.",
    "ignores-abort": "Whoever gave up does not want the rest. The pivot was not done then.",
    "goes-forward-after-turning-back": "Once it has turned back, going forward leaves a half.",
    "late-pivot": "That the pivot was done came out when the saga had turned back. It is undone like any other step.",
    "undoes-what-never-ran": "It took no effect, and so there is nothing to undo.",
    "undoes-twice": "It is undone. A second refund is a present.",
    "skips-the-ambiguous": "It was called, and no outcome is known: it may have taken effect.",
    "keeps-late-money": "Its last entry is done, behind its undoing: a late reply. It took effect, and stays.",
    "compensates-forward": "A step may rely on the ones before it, so the last one is undone first.",
    "undoes-in-log-order": "The last of the steps is undone first. A late reply changes the order of the log, and not "
    "which step relies on which.",
    "drops-a-compensation": "Its compensation has an intent and no outcome: it may not have happened.",
    "wrong-end": "Completed means that all steps are done; cancelled, that none of them is left.",
}


PLAIN = [[("reserve", "doing"), ("reserve", "done"), ("charge", "doing"), ("charge", "done"), *end]
         for end in ([], [("ship", "doing"), ("ship", "refused")])]  # fmt: skip


def _misjudged(log, steps, pivot, got, want):
    """The name of what is wrong."""
    last, (wants, step), (gets, other) = dict(log), want, got
    if wants == "do":
        if gets == "undo":
            return "compensates-after-pivot" if last.get(pivot) == "done" else "turns-back-unasked"
        if last.get(step) in ("doing", "later") and last.get(other) != "done" and other != "cancelled":
            return "skips-the-unanswered"
        if gets == "end":
            return "ends-early" if other == "completed" else "turns-back-unasked"
        if last.get(other) == "done":
            return "repeats-what-is-done"
        return "wrong-order"
    if (wants, step) == ("end", "completed"):
        return {"undo": "compensates-after-pivot", "do": "repeats-what-is-done"}.get(gets, "wrong-end")
    if gets == "do" and last.get(pivot) == "done":
        return "late-pivot"
    if gets == "do":
        refused = any(state == "refused" for _, state in log)
        undoing = any(state in ("undoing", "undone") for _, state in log)
        return "goes-forward-after-turning-back" if refused or undoing else "ignores-abort"
    if gets == "undo" and last.get(other) in (None, "refused"):
        return "undoes-what-never-ran"
    if gets == "undo" and last.get(other) == "undone":
        return "undoes-twice"
    if wants == "end" or other == "completed":
        return "wrong-end"
    if gets == "undo" and log.index((step, "doing")) < len(log) - log[::-1].index((other, last[other])) - 1 and (
            [entry[0] for entry in log if entry[0] != "saga"][-1] == other):
        return "undoes-in-log-order"
    if last[step] == "doing":
        return "skips-the-ambiguous"
    if last[step] == "done" and any(entry in log for entry in ((step, "undoing"), (step, "undone"))):
        return "keeps-late-money"
    if last[step] == "undoing":
        return "drops-a-compensation"
    return "ends-early" if gets == "end" else "compensates-forward"


def _written(log):
    return ", ".join(f"{step} {state}" for step, state in log) or "(empty)"


@lab.task(
    hints=[
        "Two questions, one after the other. Has the saga turned back? That takes the entries in order, as it matters "
        "whether the pivot was done before. Then: what is the last entry of each step?",
        "Forward: the first step whose last entry is not done.",
        "Back: the last step whose last entry is doing, done or undoing. That one rule covers the ambiguous, the late "
        "and the unfinished.",
    ],
    broker=False,
)
def plan(answer, bench):
    count = 0
    steps = ["reserve", "charge", "ship"]
    for log in PLAIN:  # first, so that who undoes in forward order is told so
        _ask_plan(answer, log, steps, "ship")
    for pivot, longest in (("charge", 11), ("ship", 10), ("reserve", 9)):
        for log in _histories(steps, pivot, longest):
            _ask_plan(answer, log, steps, pivot)
            count += 1
    for log in _histories(["pack", "send", "bill", "thank"], "send", 6):
        _ask_plan(answer, log, ["pack", "send", "bill", "thank"], "send")
        count += 1
    return f"{count:,} logs"


def _ask_plan(answer, log, steps, pivot):
    given = (list(log), list(steps))
    got, want = answer(*given, pivot), _plan(log, steps, pivot)
    if given != (list(log), steps):
        raise NotYet("changes-its-input", f"changed the log, or the steps, that it was given: {_written(given[0])}.",
                     "It looks, and changes nothing.", "The log belongs to the saga.")  # fmt: skip
    fits = isinstance(got, (tuple, list)) and len(got) == 2 and (
        got[0] in ("do", "undo") and got[1] in steps or got[0] == "end" and got[1] in ("completed", "cancelled"))
    if not fits:
        raise NotYet("not-an-action", f"returned {got!r:.50} for the steps {', '.join(steps)} and the log: "
                     f"{_written(log)}.", '("do", step), ("undo", step), ("end", "completed") or ("end", "cancelled"); '
                     "step is one of the steps given.")  # fmt: skip
    if tuple(got) != want:
        code = _misjudged(log, steps, pivot, tuple(got), want)
        raise NotYet(code, f"answered {tuple(got)} for the steps {', '.join(steps)} with the pivot {pivot}, and the "
                     f"log: {_written(log)}.", f"{want}", SAYS[code])  # fmt: skip


# ---------------------------------------------------------------- task 2

LOG = "kiosk:saga:o1"
STEPS, PIVOT = ("reserve", "charge", "ship", "thank"), "ship"
_next = partial(_plan, steps=STEPS, pivot=PIVOT)


class _Silence(TimeoutError):
    """What the services of the check raise when no answer comes."""


class _Services:
    """Services that remember calls by their key, in the broker. silent: {(verb, step): [took effect, …]}, one a call.

    What they find wrong is noted in `wrong`, and raised later: an except of the learner's would swallow it.
    """

    def __init__(self, r, refuses=(), later=(), silent=(), kill_at=()):
        self.r, self.refuses, self.kill_at = r, refuses, kill_at
        self.later, self.silent = dict(later), {call: list(outcomes) for call, outcomes in dict(silent).items()}
        self.wrong, self.calls = None, []

    def __call__(self, verb, step, key, log=LOG):
        self.calls.append((verb, step))
        if len(self.calls) > 100:
            raise NotYet("goes-round", f"called the services 100 times, {verb} {step} last.", "Each action once, or "
                         "until it is answered.", "The plan says the same again as long as the log says the same.")
        if verb not in ("do", "undo") or step not in STEPS or not isinstance(key, str):
            self.wrong = NotYet("not-a-call", f"called call({verb!r:.20}, {step!r:.20}, {key!r:.40}).",
                                'call("do" or "undo", the name of the step, a key of type str).')  # fmt: skip
            return "refused"
        entries = self.r.xrange(log)
        if not entries or (entries[-1][1].get("step"), entries[-1][1].get("state")) != (step, f"{verb}ing"):
            self.wrong = self.wrong or NotYet(
                "no-intent", f"called the service to {verb} {step}, and the last entry of the log was "
                f"{_written([tuple(entries[-1][1].values())]) if entries else '(none)'}.",
                f"{step} {verb}ing: the intent is written first.",
                "If the process dies in the call, or the saga aborts, the log is all that says it may have happened.")
        silent = self.silent.get((verb, step))
        took_effect = silent.pop(0) if silent else None
        state = self._state(verb, step, key) if took_effect is not False else None
        if (verb, step) in self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if took_effect is not None:
            raise _Silence(f"no answer to: {verb} {step}")
        return state

    def _state(self, verb, step, key):
        known = self.r.hget("memory", key)
        if verb == "undo":
            if known == "done":
                self.r.hincrby("effects", step, -1)
            self.r.hset("memory", key, "undone")
            return "undone"
        if known:
            return known
        if self.later.get(step, 0) > 0:
            self.later[step] -= 1
            return "later"
        known = "refused" if step in self.refuses else "done"
        self.r.hset("memory", key, known)
        if known == "done" and self.r.hincrby("effects", step, 1) > 1:
            self.r.sadd("twice", step)
        return known

    def effects(self):
        return [int(n or 0) for n in self.r.hmget("effects", STEPS)]


def _go(answer, r, services, log=LOG, corr="o1"):
    got = answer(r, log, corr, _next, partial(services, log=log))
    if services.wrong:
        raise services.wrong
    if got not in ("completed", "cancelled"):
        raise NotYet("not-an-end", f"returned {got!r:.40}.", '"completed" or "cancelled", as the plan says.')
    return got


def _settled(services, got, wanted, when):
    """Raise unless the saga came to the wanted end, and the services agree."""
    r, effects = services.r, services.effects()
    if services.wrong:
        raise services.wrong
    if twice := r.smembers("twice"):
        raise NotYet("done-twice", f"made {min(twice)} take effect twice, {when}.", "Each step at most once.",
                     "The service knows a call by its key. Whoever calls again has to use the same key, "
                     "also in another process.")  # fmt: skip
    if got != wanted:
        raise NotYet("wrong-result", f"returned {got!r:.40} {when}.", f"{wanted!r}.")
    right = [1] * len(STEPS) if wanted == "completed" else [0] * len(STEPS)
    if effects == right:
        return
    shown = ", ".join(f"{step} {n}" for step, n in zip(STEPS, effects, strict=True))
    if wanted == "completed":
        raise NotYet("key-shared-by-steps", f"said completed {when}, with these effects: {shown}.", "One of each step.",
                     "The services share one memory. A key that another step has used is answered from it.")
    raise NotYet("left-behind", f"said cancelled {when}, and left these effects behind: {shown}.", "Nothing is left.",
                 "An undo undoes the do of the same key, and of no other.")  # fmt: skip


@lab.task(
    hints=[
        "A loop: read the log, ask the plan, write the intent, call, write the outcome. Nothing needs to be remembered "
        "from one round to the next.",
        "What names a call for ever, in every process: the saga and the step. Do and undo are about the same thing.",
        "On the third TimeoutError nothing is known, so no outcome is written. For a do, write the abort, and look at "
        "what the plan makes of it: it covers what may have happened. An answer is written as it is, and an error that "
        "is no time-out is not caught.",
    ],
    limit=30,
)
def run_saga(answer, bench):
    for part in (_completes, _cancels, _keeps_sagas_apart, _waits_for_later, _asks_again, _gives_up, _drives_forward,
                 _does_not_drop, _lets_errors_out, _other_steps, _reads_it_all, _looks_again):  # fmt: skip
        bench.flush()
        part(answer, bench.r)
    bench.flush()
    _outlives(answer, bench.r)
    _passes_errors_on(bench, lambda r: answer(r, LOG, "o1", _next, lambda verb, step, key: "done"),
                      "Without a log nobody knows how far the saga is.")  # fmt: skip
    crashes = losses = 0
    for refuses, wanted in ((), "completed"), (("ship",), "cancelled"):
        crashes += _crashes(answer, bench, refuses, wanted)
        losses += _lost_replies(answer, bench, refuses, wanted)
    return f"{crashes} crash points, {losses} lost replies, 3 real kills"


def _completes(answer, r):
    services = _Services(r)
    got = _go(answer, r, services)
    _settled(services, got, "completed", "when every step succeeded")
    log = [(entry.get("step"), entry.get("state")) for _, entry in r.xrange(LOG)]
    wanted = [(step, state) for step in STEPS for state in ("doing", "done")]
    if log != wanted:
        raise NotYet("wrong-log", f"left this log: {_written(log)}.", f"{_written(wanted)}.",
                     "Whoever goes on after a crash has nothing but the log.")  # fmt: skip
    before = len(services.calls)
    again = _go(answer, r, services)
    if len(services.calls) > before or again != "completed":
        raise NotYet("calls-again", f"called {len(services.calls) - before} services, and returned {again!r}, when it "
                     "was run again on the log of a saga that had ended.", "No call, and the same result.",
                     "The log knows it all. What it knows is not asked again.")  # fmt: skip


def _cancels(answer, r):
    services = _Services(r, refuses=("ship",))
    got = _go(answer, r, services)
    undone = [step for verb, step in services.calls if verb == "undo"]
    if undone not in (["charge", "reserve"], []):
        raise NotYet("not-as-planned", f"undid {', '.join(undone)} when ship was refused.",
                     "charge, reserve: one action after the other, as the plan says.")  # fmt: skip
    _settled(services, got, "cancelled", "when ship was refused")


def _keeps_sagas_apart(answer, r):
    for corr in ("o1", "o2"):
        services = _Services(r)
        log = f"kiosk:saga:{corr}"
        got = _go(answer, r, services, log, corr)
        r.delete("twice")  # a second saga makes each step take effect a second time, as it should
        if got == "completed" and corr == "o2" and services.effects() != [2] * len(STEPS):
            raise NotYet("key-shared-by-sagas", f"completed two sagas, and the steps took effect "
                         f"{', '.join(map(str, services.effects()))} times.", "Twice each.",
                         "The services share one memory. The second order was answered with the first one's result.")


def _waits_for_later(answer, r):
    services = _Services(r, later={"thank": 5})
    try:
        got = _go(answer, r, services)
    except TimeoutError:
        got = None
    log = [(entry["step"], entry["state"]) for _, entry in r.xrange(LOG)]
    if got is None or ("saga", "abort") in log:
        raise NotYet("later-is-a-timeout", "took a later for a time-out: thank said later five times, and then done.",
                     "Each is written down, and the plan asked.",
                     "An answer came: it did not take effect this time. Three is the limit for silence.")  # fmt: skip
    if got == "completed" and services.effects() == [1, 1, 1, 0] and not services.wrong:
        raise NotYet("later-is-done", f"said completed, and thank, which said later, was called "
                     f"{services.calls.count(('do', 'thank'))} times and never took effect.",
                     "It is called until it is done.", "What call returned is what is written.")
    if log.count(("thank", "later")) != 5:
        raise NotYet("wrong-log", f"wrote {log.count(('thank', 'later'))} times thank later. It was said five times.",
                     "Each outcome is written.", "The log is all that the next process, or a person, will see.")
    _settled(services, got, "completed", "when thank said later five times")


def _asks_again(answer, r):
    for took_effect in (True, False):
        r.flushall()
        services = _Services(r, silent={("do", "charge"): [took_effect, took_effect], ("undo", "reserve"): [True]},
                             refuses=("ship",))  # fmt: skip
        try:
            got = _go(answer, r, services)
        except TimeoutError:
            raise NotYet("gives-up-early", "let a TimeoutError out after the first or second call of an action.",
                         "It calls again, three times in all.") from None
        if services.calls.count(("do", "charge")) != 3 or ("do", "ship") not in services.calls:
            raise NotYet("gives-up-early", f"called charge {services.calls.count(('do', 'charge'))} times; the third "
                         "call would have been answered.", "Three times in all, and then on with the answer.",
                         "A time-out is no refusal.")  # fmt: skip
        _settled(services, got, "cancelled", "when charge was answered at the third call, and ship refused")


def _gives_up(answer, r):
    for took_effect in (True, False):
        r.flushall()
        services = _Services(r, silent={("do", "charge"): [took_effect] * 9})
        try:
            got = _go(answer, r, services)
        except TimeoutError:
            raise NotYet("timeout-escapes", "let the TimeoutError of charge out, before the pivot.",
                         "The abort is written, and the plan asked.",
                         "The saga can still go back, and frees what it holds.") from None
        tries = services.calls.count(("do", "charge"))
        if tries != 3:
            raise NotYet("wrong-number-of-tries", f"called charge {tries} times, and no answer ever came.",
                         "Three times in all.")  # fmt: skip
        if ("charge", "refused") in (log := [(e["step"], e["state"]) for _, e in r.xrange(LOG)]):
            raise NotYet("timeout-is-refusal", "wrote charge refused after three time-outs.",
                         "Nothing about charge: nobody knows. What is written is the abort.",
                         "The charge may have been made. Refused says that there is nothing to undo.")  # fmt: skip
        if ("saga", "abort") not in log:
            raise NotYet("no-abort", f"left this log after three time-outs of charge: {_written(log)}.",
                         "It has the entry: saga, abort.")  # fmt: skip
        _settled(services, got, "cancelled", "when charge was never answered")


def _drives_forward(answer, r):
    services = _Services(r, silent={("do", "thank"): [True, True, False]})
    try:
        got = _go(answer, r, services)
    except TimeoutError:
        got = None
    if any(verb == "undo" for verb, _ in services.calls):
        raise NotYet("compensates-after-the-pivot", "undid something although ship, the pivot, was done.",
                     "It goes only forward.")  # fmt: skip
    if got is not None:
        raise NotYet("swallows-the-timeout", f"returned {got!r} although thank was not answered at all three calls.",
                     "It lets the TimeoutError out.", "Nobody would run this saga again.")  # fmt: skip
    _settled(services, _go(answer, r, services), "completed", "when it was run again after a time-out past the pivot")


def _does_not_drop(answer, r):
    services = _Services(r, refuses=("ship",), silent={("undo", "charge"): [False, False, False]})
    try:
        got = _go(answer, r, services)
    except TimeoutError:
        tries = services.calls.count(("undo", "charge"))
        if tries != 3:
            raise NotYet("wrong-number-of-tries", f"called the refund {tries} times, and no answer came.",
                         "Three times in all.") from None
    else:
        raise NotYet("drops-the-compensation", f"returned {got!r} although no refund was ever answered.",
                     "It lets the TimeoutError out, and the saga stays open.",
                     "The customer paid, gets nothing, and nobody is told.")  # fmt: skip
    _settled(services, _go(answer, r, services), "cancelled", "when it was run again after a refund without an answer")


class _Broken(Exception):
    """What a call of the check raises that is no time-out."""


def _lets_errors_out(answer, r):
    for error in (_Broken("a bug in the client of payments"), redis.ConnectionError("the broker is gone"),
                  redis.TimeoutError("the broker is slow")):  # fmt: skip
        r.flushall()
        services, raised = _Services(r), []

        def call(verb, step, key, services=services, error=error, raised=raised):
            if step == "charge" and not raised:
                raised.append(step)
                raise error
            return services(verb, step, key)

        try:
            got = answer(r, LOG, "o1", _next, call)
        except (_Broken, redis.RedisError, TimeoutError) as caught:
            got = f"a {_name(caught)}"
            if caught is error or caught.__cause__ is error:
                continue
        raise NotYet("hides-other-errors", f"caught a {_name(error)} that came out of call, and went on to "
                     f"{got!s:.40}.", "Only the built-in TimeoutError is handled here. Any other error passes through.",
                     "Nobody knows what broke. Run again later, the saga goes on from its log.")  # fmt: skip


def _name(error):
    return f"redis.{type(error).__name__}" if isinstance(error, redis.RedisError) else type(error).__name__.strip("_")


def _other_steps(answer, r):
    """Another saga, with other steps: what is past its pivot only the plan knows."""
    calls = []

    def call(verb, step, key):
        calls.append((verb, step))
        if len(calls) > 12:
            raise _Broken("called again and again")
        if step == "bill":
            raise _Silence(f"no answer to: {verb} {step}")
        return "done" if verb == "do" else "undone"

    try:
        got = answer(r, LOG, "o1", partial(_plan, steps=("pack", "send", "bill"), pivot="send"), call)
    except TimeoutError:
        return
    except _Broken:
        got = "nothing"
    raise NotYet("knows-the-steps", f"returned {got}, after {len(calls)} calls, for a saga of pack, send and bill with "
                 "the pivot send: bill was never answered.", "It lets the TimeoutError out.",
                 "Which step is past the pivot the plan knows, and nobody else.")  # fmt: skip


def _reads_it_all(answer, r):
    """Mail was down for long: the log has hundreds of entries."""
    done = [(step, state) for step in STEPS[:3] for state in ("doing", "done")]
    for step, state in done + [("thank", "doing"), ("thank", "later")] * 600:
        r.xadd(LOG, {"step": step, "state": state})
    for step, state in (("thank", "doing"), ("thank", "done")):
        r.xadd(LOG, {"step": step, "state": state})
    calls = []

    def call(verb, step, key):
        calls.append(f"{verb} {step}")
        if len(calls) > 9:
            raise _Broken("called again and again")
        return "done" if verb == "do" else "undone"

    try:
        got = answer(r, LOG, "o1", _next, call)
    except _Broken:
        got = "nothing"
    if calls or got != "completed":
        raise NotYet("reads-a-part", f"returned {got!s:.40} and called {', '.join(calls[:3]) or 'nobody'}: the log has "
                     f"{len(done) + 1202} entries, and the last of them says that thank is done.",
                     "No call, and completed.", "The whole log counts, however long it is.")  # fmt: skip


def _looks_again(answer, r):
    """The saga has ended; then the reply to the charge comes after all."""
    services = _Services(r, silent={("do", "charge"): [False] * 3})
    _settled(services, _go(answer, r, services), "cancelled", "when charge was never answered")
    r.xadd(LOG, {"step": "charge", "state": "done"})
    before = services.calls.count(("undo", "charge"))
    got = _go(answer, r, services)
    if services.calls.count(("undo", "charge")) == before:
        raise NotYet("ended-for-good", f"returned {got!r}, and called nobody: after the end of the saga a late reply "
                     "came to its log, charge done, and it was run again.", "The charge is undone once more.",
                     "The plan decides from the log as it is now. An end that was noted elsewhere keeps the money.")
    _settled(services, got, "cancelled", "when it was run again after a late reply")


def _outlives(answer, r):
    """Three real kills: in a do, in an undo, past the pivot. Each time the call took effect."""
    cases = ((("do", "charge"), (), "completed"), (("undo", "charge"), ("ship",), "cancelled"),
             (("do", "thank"), (), "completed"))  # fmt: skip
    for n, (kill_at, refuses, wanted) in enumerate(cases):
        corr = f"k{n}"  # a saga that this process never had to do with
        r.flushall()
        if (pid := os.fork()) == 0:
            try:
                with _fresh(r) as client:
                    answer(client, LOG, corr, _next, _Services(client, refuses, kill_at=(kill_at,)))
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        services = _Services(r, refuses)
        what = f"{kill_at[1]}'s {'refund' if kill_at[0] == 'undo' else 'call'}"
        got = _go(answer, r, services, corr=corr)
        _settled(services, got, wanted, f"by a process that went on after one was killed in {what}")


def _fresh(r):
    """A client of its own for a forked process."""
    settings = r.connection_pool.connection_kwargs
    return redis.Redis(host=settings["host"], port=settings["port"], username=settings.get("username"),
                       password=settings.get("password"), decode_responses=True)  # fmt: skip


def _crashes(answer, bench, refuses, wanted):
    services = None

    def prepare(r):
        nonlocal services
        services = _Services(bench.r, refuses)

    def verify(r, result):
        _settled(services, got, wanted, "by a process that went on after a crash")

    def recover(r):
        nonlocal got
        got = _go(answer, r, services)

    got = None
    return crash_sweep(bench, prepare, lambda r: _go(answer, r, services), recover, verify)


def _lost_replies(answer, bench, refuses, wanted):
    services = None

    def prepare(r):
        nonlocal services
        services = _Services(bench.r, refuses)

    def verify(r, result):
        if isinstance(result, BaseException) and not isinstance(result, redis.ConnectionError):
            raise result
        _settled(services, _go(answer, r, services), wanted, "when it was run again after a lost reply")

    return lost_reply_sweep(bench, prepare, lambda r: _go(answer, r, services), verify)


# ---------------------------------------------------------------- task 3

ORDERS, COMMANDS = "kiosk:order", "kiosk:commands"
GOOD = {"StockReserved": "ReleaseStock", "PaymentAuthorised": "RefundPayment"}
BAD = ("OutOfStock", "PaymentFailed", "OrderCancelled")


def _wanted(kinds):
    """The commands, and at which event the order was decided."""
    seen, decided, commands = set(), None, []
    for kind in kinds:
        seen.add(kind)
        if decided is None and seen & set(BAD):
            decided = "CancelOrder"
        elif decided is None and seen >= set(GOOD):
            decided = "ShipOrder"
    if decided:
        commands.append(decided)
    if decided == "CancelOrder":
        commands += [undo for good, undo in GOOD.items() if good in seen]
    return sorted(commands)


def _tell(answer, r, kind, corr="o1"):
    event = envelope(kind, "anna", {"n": 1}, id=f"{corr}/{kind}", corr=corr, ts_ms=1)  # the key names the customer
    return answer(r, event, orders=ORDERS, commands=COMMANDS)


def _commands(r, corr="o1"):
    found = []
    if (kind := r.type(COMMANDS)) not in ("stream", "none"):
        raise NotYet("not-a-command", f"made a {kind} of the commands.", "They are a stream: XADD.")
    for _, fields in r.xrange(COMMANDS):
        if not {"type", "corr"} <= fields.keys():
            raise NotYet("not-a-command", f"added an entry with the fields {', '.join(fields)} to the commands.",
                         "Each has the fields type and corr.")  # fmt: skip
        if fields["corr"] not in ("o0", "o1", "o2"):
            raise NotYet("wrong-corr", f"gave a command with the corr {fields['corr']!r:.30}.",
                         "The corr of the event.", "corr names the order. An event has other fields, about other "
                         "things: here its key is the customer.")  # fmt: skip
        if fields["corr"] == corr:
            found.append(fields["type"])
    return sorted(found)


def _compare(got, kinds, how):
    """Raise unless these are the commands for events that came in this order."""
    want = _wanted(kinds)
    if got == want:
        return
    did = f"commanded {', '.join(got) or 'nothing'} after {', '.join(kinds)}{how}."
    should, missing = f"{', '.join(want) or 'Nothing'}.", [name for name in want if name not in got]
    if len(set(got)) < len(got):
        raise NotYet("reacts-twice", did, should, "Events come twice; a command for the same order must not.")
    if want == ["ShipOrder"] and "ShipOrder" in got:
        raise NotYet("cancels-the-shipped", did, should, "The parcel is on its way: past the pivot there is no way "
                     "back.")  # fmt: skip
    if {"ShipOrder", "CancelOrder"} <= set(got):
        raise NotYet("ships-the-cancelled", did, should, "Cancelled is final. What comes in later is undone.")
    if "ShipOrder" in got and set(GOOD) <= set(kinds):
        raise NotYet("ships-the-cancelled", did, should, "Cancelled is final, before the order is shipped.")
    if "ShipOrder" in got:
        raise NotYet("ships-too-early", did, should, "Both have to be there before the parcel leaves.")
    for good, undo in GOOD.items():
        if undo in got and good not in kinds:
            raise NotYet("compensates-what-never-ran", did, should, "Nothing was reserved or paid there.")
        if undo in missing and "CancelOrder" not in missing:
            late = any(bad in kinds and kinds.index(bad) < kinds.index(good) for bad in BAD)
            if late:
                raise NotYet("ignores-late-success", did, should, f"{good} came after the cancelling. Without a "
                             "reaction it is kept for ever.")  # fmt: skip
            raise NotYet("no-compensation", did, should, f"{good} had come, and nobody undoes it.")
    if "ShipOrder" in missing:
        raise NotYet("misses-the-join", did, should, "Both branches succeeded. The second to report, whichever it is, "
                     "has to see the first, and to go on until its reaction is written.")  # fmt: skip
    raise NotYet("wrong-commands", did, should)


@lab.task(
    hints=[
        "Write down each event before you decide, and decide from everything that is written down. Then the order in "
        "which they came hardly matters.",
        "A command that was given is a note as well: give it only if it is not there yet.",
        "Notes and commands have to change together, and between your look and your change nobody may come in: one Lua "
        "script, or WATCH on the hash and MULTI around note and XADD.",
    ],
    limit=30,
)
def on_event(answer, bench):
    orders = _all_orders(answer, bench.r)
    _two_orders(answer, bench)
    bench.flush()
    for kind in ("ParcelLost", "OrderPlaced"):
        _tell(answer, bench.r, kind)
    if bench.r.xlen(COMMANDS):
        raise NotYet("reacts-to-others", f"commanded {', '.join(_commands(bench.r))} after events of other types.",
                     "They are ignored.", "Others publish on the same channel, and will publish more.")  # fmt: skip
    _passes_errors_on(bench, lambda r: _tell(answer, r, "StockReserved"), "Then the event comes again.")
    points, tried = _interrupted(answer, bench), _at_once(answer, bench)
    _keeps_notes(answer, bench)
    return f"{orders} orders of events, {tried} interleavings, {points} crashes and lost replies"


def _all_orders(answer, r):
    count, branches = 0, [("StockReserved", "OutOfStock", None), ("PaymentAuthorised", "PaymentFailed", None),
                          ("OrderCancelled", None)]  # fmt: skip
    present = [[kind for kind in kinds if kind] for kinds in itertools.product(*branches)]
    for some in sorted(present, key=len):  # the simplest first
        for kinds in itertools.permutations(some):
            for how, told in (("", kinds), (", each twice", [kind for kind in kinds for _ in "12"]),
                              (", and all once more", kinds * 2), (", and once more backwards", kinds + kinds[::-1])):
                r.flushall()
                for kind in told:
                    _tell(answer, r, kind)
                _compare(_commands(r), kinds, how)
                count += 1
    return count


def _two_orders(answer, bench):
    bench.flush()
    for corr, kind in (("o1", "StockReserved"), ("o2", "PaymentAuthorised"), ("o1", "PaymentFailed")):
        _tell(answer, bench.r, kind, corr)
    got = _commands(bench.r, "o1"), _commands(bench.r, "o2")
    if got != (["CancelOrder", "ReleaseStock"], []):
        raise NotYet("mixes-orders", f"commanded {', '.join(got[0] + got[1]) or 'nothing'}, after StockReserved and "
                     "PaymentFailed for the order o1 and PaymentAuthorised for the order o2.",
                     "CancelOrder and ReleaseStock for o1, nothing for o2.", "corr says which order an event is about.")


def _keeps_notes(answer, bench):
    """The notes are in the hash, for ever; the stream belongs to those who read it."""
    bench.flush()
    r, kinds, others = bench.r, ("StockReserved", "PaymentFailed"), 120
    for _ in range(others):
        r.xadd(COMMANDS, {"type": "ShipOrder", "corr": "o0"})
    for kind in kinds:
        _tell(answer, r, kind)
    if (left := len(_commands(r, "o0"))) < others:
        raise NotYet("drops-commands", f"left {left} of {others} commands for other orders in the stream.",
                     "It adds, and removes nothing.", "Nobody may have read them yet.")  # fmt: skip
    note = f"{ORDERS}:o1"
    if elsewhere := sorted(set(r.scan_iter()) - {COMMANDS, note}):
        raise NotYet("notes-elsewhere", f"left the key {elsewhere[0]}.", f"All about this order is in {note}.",
                     "Who looks for an order, or deletes it one day, knows of one key.")  # fmt: skip
    if r.ttl(note) >= 0:
        raise NotYet("notes-expire", f"let the notes expire after {r.ttl(note)} s.", "They stay.",
                     "An event that comes again, or late, finds nothing, and the order begins anew.")  # fmt: skip
    r.xtrim(COMMANDS, maxlen=0)
    for kind in kinds:
        _tell(answer, r, kind)
    if got := _commands(r):
        raise NotYet("asks-the-stream", f"commanded {', '.join(got)} again: the events came twice, and the commands "
                     "had been read and trimmed in between.", "Nothing.",
                     "What was given is a note of the order. A stream of commands forgets.")  # fmt: skip


def _at_once(answer, bench):
    """Two workers, two events of one order."""
    tried = 0
    for before, first, second in (
        ((), "StockReserved", "PaymentAuthorised"),
        (("StockReserved",), "PaymentAuthorised", "PaymentAuthorised"),
        (("StockReserved",), "PaymentAuthorised", "OrderCancelled"),
        ((), "StockReserved", "PaymentFailed"),
    ):
        def prepare(r, before=before):
            for kind in before:
                _tell(answer, r, kind)

        def verify(r, results, before=before, first=first, second=second):
            values(results)
            got, orders = _commands(r), ((*before, first, second), (*before, second, first))
            if got in [_wanted(kinds) for kinds in orders]:
                return
            if "ShipOrder" in got and "CancelOrder" in got:
                raise NotYet("ships-and-cancels", f"commanded {', '.join(got)}: {first} and {second} came at once.",
                             "One of the two decides.", "Between look and act, somebody else acted on the same look.")
            _compare(got, orders[0], ", the last two at once")

        callers = [lambda r, kind=kind: _tell(answer, r, kind) for kind in (first, second)]
        tried += interleave(bench, prepare, callers, verify, limit=100)
    return tried


def _interrupted(answer, bench):
    points = 0
    for before, kind in ((("StockReserved",), "PaymentAuthorised"), (("StockReserved", "PaymentAuthorised"),
                         "OrderCancelled"), (("StockReserved",), "PaymentFailed")):  # fmt: skip
        def prepare(r, before=before):
            for earlier in before:
                _tell(answer, r, earlier)

        def again(r, kind=kind):
            _tell(answer, r, kind)

        def verify(r, result, before=before, kind=kind):
            if isinstance(result, Exception) and not isinstance(result, redis.RedisError):
                raise result
            if isinstance(result, redis.RedisError):  # a WatchError as well, if the reply to a WATCH was lost
                _tell(answer, r, kind)
            got, kinds = _commands(r), (*before, kind)
            if set(got) < set(_wanted(kinds)):
                raise NotYet("lost-on-a-crash", f"commanded {', '.join(got) or 'nothing'} after {', '.join(kinds)}; "
                             "the worker died, or lost a reply, in the last one, and got it again.",
                             f"{', '.join(_wanted(kinds))}.",
                             "It was noted as given before it was sent; or the call gave up and returned as if "
                             "all was well, so that nobody calls again.")  # fmt: skip
            _compare(got, kinds, ", the last one again after a crash or a lost reply")

        points += crash_sweep(bench, prepare, again, again, verify)
        points += lost_reply_sweep(bench, prepare, again, verify)
    return points


# ---------------------------------------------------------------- stretch

SHELF = "kiosk:shelf:clock"


def _shelf(answer, r, count=3, hold_s=60, clock=None):
    return answer(r, SHELF, count=count, hold_s=hold_s, clock=(clock or FakeClock(1000)).now)


def _expect(got, want, code, did, should, because=""):
    """For a hold: 1 and True, 0 and False are the same."""
    if got is None or isinstance(got, str) or got != want:
        raise NotYet(code, f"{did} {got!r:.20}.", should, because)


def _said(got, want, code, story, because=""):
    _expect(got, want, code, f"after {story}, answered", f"{want!r}.", because)


@lab.task(
    hints=[
        "A hash with one field for each saga can say all: held how many until when, sold how many, or over. What is "
        "free follows from it.",
        "What has run out needs no cleaning up. Whoever counts leaves it out: compare its expiry with the clock that "
        "you were given.",
        "To look and to change must be one step: one Lua script for each method, or WATCH and MULTI. Pass the time in.",
    ],
    limit=30,
)
def Shelf(answer, bench):  # noqa: N802 — the name of the class
    for part in (_holds, _sells, _gives_back, _runs_out, _remembers):
        bench.flush()
        part(partial(_shelf, answer, bench.r))
    steps = _follows_the_rules(answer, bench)
    tried = _last_piece(answer, bench) + _confirm_or_release(answer, bench) + _takes_over(answer, bench)
    bench.flush()
    s = _shelf(answer, bench.r, count=1000)
    for n in range(200):
        s.reserve(f"s{n:070}", 1)  # a name that long makes HSCAN come in pages
    _said(s.free(), 800, "counts-a-part", "200 sagas that reserved one piece each of 1000, free()",
          "All of them count, not only the first page of a scan.")  # fmt: skip
    for method, args in (("reserve", ("ann", 1)), ("confirm", ("ann",)), ("release", ("ann",)), ("free", ())):
        _passes_errors_on(bench, lambda r, method=method, args=args: getattr(_shelf(answer, r), method)(*args),
                          f"It was {method}. No answer is neither yes nor no.")  # fmt: skip
    bench.flush()
    won = sum(bool(x) for x in values(race(bench, 16, lambda i, r: _shelf(answer, r, count=5).reserve(f"s{i}", 1))))
    _said(won, 5, "oversells", "16 sagas asked at once for one of 5 pieces each, counting those that got one:")
    points = _shelf_crashes(answer, bench)
    return f"{steps} steps, {tried} interleavings, {points} crash points, 16 threads"


def _holds(shelf):
    s = shelf()
    _said(s.free(), 3, "wrong-count", "nothing at all, free()")
    _said(s.reserve("ann", 2), True, "refuses-what-is-there", 'reserve("ann", 2) of 3')
    _said(s.free(), 1, "wrong-count", 'reserve("ann", 2) of 3, free()')
    _said(s.reserve("bob", 2), False, "oversells", 'reserve("ann", 2) of 3, reserve("bob", 2)')
    _said(s.free(), 1, "holds-on-refusal", 'a refused reserve, with 1 free, free()', "A refused one holds nothing.")
    _said(s.reserve("ann", 2), True, "refuses-the-holder", 'reserve("ann", 2), the same once more',
          "A lost reply is asked again; the answer is the same.")  # fmt: skip
    _said(s.free(), 1, "holds-twice", 'reserve("ann", 2) of 3, twice, free()', "The same saga again: the same hold.")
    _said(s.reserve("bob", 1), True, "refuses-what-is-there", 'reserve("bob", 2) in vain, reserve("bob", 1) of 1 free',
          "A refusal leaves no trace.")  # fmt: skip


def _sells(shelf):
    clock = FakeClock(1000)
    s = shelf(clock=clock)
    _said(s.confirm("ann"), False, "confirms-nothing", 'nothing at all, confirm("ann")')
    s.reserve("ann", 2)
    _said(s.confirm("ann"), True, "refuses-to-confirm", 'reserve("ann", 2), confirm("ann")',
          'It holds them. (There was a confirm("ann") before the reserve: that changes nothing.)')  # fmt: skip
    _said(s.confirm("ann"), True, "confirm-not-repeatable", 'confirm("ann"), the same once more',
          "A lost reply is asked again; the answer is the same.")  # fmt: skip
    _said(s.reserve("ann", 2), True, "refuses-the-holder", 'confirm("ann"), reserve("ann", 2)')
    _said(s.free(), 1, "sells-another-number", 'reserve("ann", 2) of 3, confirm("ann"), free()',
          "What is sold is not free: all that the saga held, and no more.")  # fmt: skip
    s.release("ann")
    _said(s.free(), 1, "releases-the-sold", 'reserve("ann", 2) of 3, confirm and release, free()',
          "Sold is for good. A late release must not put it back.")  # fmt: skip
    clock.sleep(61)
    _said(s.free(), 1, "sold-runs-out", 'confirm("ann") of 2 of 3 and 61 s, free()', "Only a hold runs out.")


def _gives_back(shelf):
    s = shelf()
    s.reserve("ann", 2)
    s.reserve("bob", 1)
    for _ in "12":
        s.release("ann")
        _said(s.free(), 2, "releases-wrongly", 'reserve("ann", 2), reserve("bob", 1) and release("ann"), free()')
    _said(s.confirm("ann"), False, "confirms-the-released", 'release("ann"), confirm("ann")')
    _said(s.reserve("ann", 1), False, "forgets-the-release", 'release("ann"), reserve("ann", 1)',
          "It is a late message of a saga that is over. What it held would never be given back.")  # fmt: skip
    s.release("eve")
    _said(s.reserve("eve", 1), False, "forgets-the-release", 'release("eve"), and only then reserve("eve", 1)',
          "The compensation overtook the step. Its pieces would be held for nobody.")  # fmt: skip
    _said(s.free(), 2, "holds-on-refusal", "a reserve that came after its release, with 2 free, free()")


def _runs_out(shelf):
    clock = FakeClock(1000)
    s = shelf(clock=clock)
    s.reserve("ann", 2)
    clock.sleep(59.5)
    _said(s.free(), 1, "runs-out-early", "a hold of 2 of 3 for 60 s and 59.5 s, free()")
    s.reserve("ann", 2)
    clock.sleep(0.5)
    _said(s.reserve("bob", 3), True, "hold-never-ends", "a hold of 2 of 3 for 60 s, asked for again after 59.5 s, and "
          'exactly 60 s in all, reserve("bob", 3)',
          "A saga that died gives nothing back. Its hold ends by the clock you were given, and nothing prolongs it.")
    _said(s.confirm("ann"), False, "confirms-the-expired", 'a hold that ran out, confirm("ann")',
          "Somebody else may hold those pieces by now.")  # fmt: skip
    s.release("ann")
    _said(s.free(), 0, "releases-wrongly", 'a hold of "ann" that ran out, one of 3 of 3 for "bob", and release("ann"), '
          "free()")  # fmt: skip
    s.release("bob")
    _said(s.reserve("ann", 1), False, "forgets-the-release", 'a hold that ran out, reserve("ann", 1) again')
    shelf.args[1].flushall()
    s = shelf(clock=clock)
    s.reserve("ann", 2)
    s.reserve("eve", 1)
    clock.sleep(60)
    _said(s.free(), 3, "counts-the-expired", "two holds of 3 pieces for 60 s, and exactly 60 s, free()",
          "It has run out without anybody doing anything.")  # fmt: skip
    shelf.args[1].flushall()
    s = shelf(clock=clock)
    s.reserve("ann", 2)
    clock.sleep(60)
    _said(s.confirm("ann"), False, "confirms-the-expired", 'a hold for 60 s, and exactly 60 s, confirm("ann")',
          "It is as good as released, also if nobody else wanted the pieces.")  # fmt: skip
    shelf.args[1].flushall()
    s = shelf(clock=clock)
    s.reserve("ann", 2)
    _said(s.reserve("ann", 1), True, "refuses-the-holder", 'reserve("ann", 2), reserve("ann", 1)', "It holds already.")
    _said(s.free(), 1, "changes-the-hold", 'reserve("ann", 2) of 3, reserve("ann", 1), free()',
          "A saga that holds already: True, and nothing changes.")  # fmt: skip


def _remembers(shelf):
    s = shelf()
    s.reserve("ann", 2)
    s.release("eve")
    other = shelf()
    if stray := [key for key in shelf.args[1].scan_iter() if not key.startswith(SHELF)]:
        raise NotYet("keys-elsewhere", f"keeps notes in the key {stray[0]!r:.50}.", f"All keys begin with {SHELF!r}.",
                     "Two shelves must not share a note.")  # fmt: skip
    _said(other.free(), 1, "memory-only", "reserve of 2 of 3 by one Shelf, free() of another one with the same key",
          "Many processes serve one shelf.")  # fmt: skip
    _said(other.confirm("ann"), True, "memory-only", "reserve by one Shelf, confirm of another one with the same key")


class _Model:
    """The rules, in Python."""

    def __init__(self, count, hold_s, clock):
        self.count, self.hold_s, self.clock, self.notes = count, hold_s, clock, {}

    def state(self, saga):
        state, n, expiry = self.notes.get(saga, ("unknown", 0, 0))
        return ("over", 0) if state == "held" and expiry <= self.clock.now() else (state, n)

    def free(self):
        return self.count - sum(self.state(saga)[1] for saga in self.notes)

    def reserve(self, saga, n):
        if self.state(saga)[0] == "unknown" and n <= self.free():
            self.notes[saga] = ("held", n, self.clock.now() + self.hold_s)
        return self.state(saga)[0] in ("held", "sold")

    def confirm(self, saga):
        state, n = self.state(saga)
        if state == "held":
            self.notes[saga] = ("sold", n, 0)
        return state in ("held", "sold")

    def release(self, saga):
        if self.state(saga)[0] != "sold":
            self.notes[saga] = ("over", 0, 0)


def _follows_the_rules(answer, bench):
    steps = 0
    for _ in range(12):
        bench.flush()
        clock = FakeClock(1000)
        s, model, story = _shelf(answer, bench.r, 6, 10, clock), _Model(6, 10, clock), []
        for _ in range(25):
            name = bench.rng.choice(["reserve"] * 4 + ["confirm", "release"])
            args = [f"s{bench.rng.randrange(8)}"] + ([bench.rng.randint(1, 3)] if name == "reserve" else [])
            story.append(f"{name}({', '.join(map(str, args))}) at {clock.now() - 1000:g} s")
            got, want = getattr(s, name)(*args), getattr(model, name)(*args)
            if name == "release":
                got = want
            if (bool(got), s.free()) != (bool(want), model.free()):
                raise NotYet("breaks-the-rules", f"answered {got!r:.20}, and {s.free()} free, to the last of these "
                             f"steps, with 6 pieces and holds of 10 s: {'; '.join(story[-6:])}.",
                             f"{want!r}, and {model.free()} free.")  # fmt: skip
            clock.sleep(bench.rng.choice([0, 0.5, 2, 5]))
            steps += 1
    return steps


def _last_piece(answer, bench):
    def verify(r, results):
        got = [bool(x) for x in values(results)]
        if sum(got) != 1 or _shelf(answer, r, 1).free() != 0:
            raise NotYet("oversells", f"answered {got[0]} and {got[1]} to two sagas that wanted the last piece; free() "
                         f"is {_shelf(answer, r, 1).free()}.", "One of them gets it, and nothing is free.",
                         "Between look and act, somebody else acted on the same look.")  # fmt: skip

    callers = [lambda r, saga=saga: _shelf(answer, r, 1).reserve(saga, 1) for saga in ("ann", "bob")]
    return interleave(bench, lambda r: None, callers, verify, limit=100)


def _confirm_or_release(answer, bench):
    def verify(r, results):
        sold, free = bool(values(results)[0]), _shelf(answer, r, 1).free()
        if sold == bool(free):
            raise NotYet("sold-and-free", f"said {sold} to confirm, and {free} pieces are free: confirm and release "
                         "came at once.", "Either it is sold, or it is free.",
                         "Between look and act, somebody else acted on the same look.")  # fmt: skip

    callers = [lambda r: _shelf(answer, r, 1).confirm("ann"), lambda r: _shelf(answer, r, 1).release("ann")]
    return interleave(bench, lambda r: _shelf(answer, r, 1).reserve("ann", 1), callers, verify, limit=100)


def _takes_over(answer, bench):
    """A hold has run out for one caller's clock, and not quite for the other's: one of them gets the piece."""
    early, late = FakeClock(1059.9), FakeClock(1060)

    def verify(r, results):
        got = [bool(x) for x in values(results)]
        if sum(got) == 2:
            raise NotYet("sold-and-held", "confirmed a hold, and gave its piece to somebody else at the same time.",
                         "Whoever comes second is told False.",
                         "Between look and act, somebody else acted on the same look.")  # fmt: skip

    callers = [lambda r: _shelf(answer, r, 1, clock=early).confirm("ann"),
               lambda r: _shelf(answer, r, 1, clock=late).reserve("bob", 1)]
    return interleave(bench, lambda r: _shelf(answer, r, 1).reserve("ann", 1), callers, verify, limit=100)


def _shelf_crashes(answer, bench):
    points = 0
    for name, args, free in (("reserve", ("ann", 2), 1), ("confirm", ("bob",), 2), ("release", ("bob",), 3)):
        def prepare(r, name=name):
            if name != "reserve":
                _shelf(answer, r).reserve("bob", 1)

        def call(r, name=name, args=args):
            return getattr(_shelf(answer, r), name)(*args)

        def verify(r, result, free=free, name=name):
            if isinstance(result, Exception) and not isinstance(result, redis.RedisError):
                raise result
            if isinstance(result, redis.RedisError):  # a WatchError as well, if the reply to a WATCH was lost
                call(r)
            got = _shelf(answer, r).free()
            if got != free:
                raise NotYet("half-done", f"left {got} of 3 pieces free: the process died, or lost a reply, in "
                             f"{name}, and {name} was called again.", f"{free}.",
                             "What takes several steps can end after one of them.")  # fmt: skip

        points += crash_sweep(bench, prepare, call, call, verify)
        points += lost_reply_sweep(bench, prepare, call, verify)
    return points
