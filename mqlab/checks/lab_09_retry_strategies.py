"""Checks of lab 09: waits, a call that is tried again, one budget for all, and retries that outlive their worker."""

from __future__ import annotations

import dis
import math
import random
import time
from email.message import Message
from unittest import mock
from urllib.error import HTTPError, URLError

import redis

from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.outcomes import number
from mqlab.checks.sweeps import crash_sweep, interleave, race, values
from mqlab.checks.traced import Hook, traced_client
from mqlab.faults import FakeClock
from mqlab.load import wait_until

lab = Lab("09-retry-strategies")


# ---------------------------------------------------------------- task 1

SLEPT_S = 0.004  # less than the shortest wait of that case
KINDS = ("exponential", "equal", "full", "decorrelated")
DRAWS = 10_000


@lab.task(
    hints=[
        "e is base, doubled with each failure, and never more than cap. rng.uniform(a, b) draws between a and b.",
        "equal and full draw inside bounds that come from e, which is capped already. Look up the lower one.",
        "decorrelated does not look at attempt. Its bounds come from base and prev, and what was drawn is capped then.",
        "Floats end at 2.0 ** 1024, and base * 2 ** 1100 is one. From some attempt on the wait is cap anyway: bound "
        "the exponent before you raise 2 to it.",
    ],
    broker=False,
)
def delay(answer, bench):
    def wait(attempt, kind, rng, prev=None, base=0.1, cap=10.0):
        try:
            got = answer(attempt, base=base, cap=cap, kind=kind, rng=rng, prev=prev)
        except OverflowError as error:
            raise NotYet(
                "overflows", f"raised OverflowError at attempt {attempt:,} ({kind}): {error}",
                f"A wait of at most {cap:g} s, whatever the attempt.",
                "A float ends at about 2 to the power of 1,024. One try a second is there in 17 minutes.") from None
        return number(got, f"the wait ({kind})")

    _envelope(wait, 0.1, 10.0, range(13), bench.rng)
    for kind in KINDS[1:]:
        _chance(wait, kind)
    for kind in ("equal", "full"):
        for attempt in (3, 6, 9, 0):
            _spread(wait, kind, attempt, bench.rng)
    for prev in (None, 0.1, 0.7, 3.0, 10.0):
        _decorrelated(wait, prev, bench.rng)
    _other_numbers(wait, bench.rng)
    _huge(wait, bench.rng)
    return f"4 kinds, 3 pairs of base and cap, {21 * DRAWS:,} draws, attempts up to 100,000"


def _envelope(wait, base, cap, attempts, rng):
    for attempt in attempts:
        e, got = min(cap, base * 2**attempt), wait(attempt, "exponential", rng, base=base, cap=cap)
        if math.isclose(got, e):
            continue
        did, should = f"gave {got:g} s after failure {attempt} without jitter.", f"{e:g} s."
        if math.isclose(got, 1000 * e):
            raise NotYet("wrong-unit", did, should, "base and cap are seconds, and so is the wait.")
        if attempt == 0 and math.isclose(got, 2 * base):
            raise NotYet(
                "starts-too-late", did, should,
                "Failures are counted from 0, so the first wait is base itself. Off by one doubles every wait.")
        if got > cap:
            raise NotYet("no-cap", did, should,
                         "Without a cap a worker that failed 20 times sleeps for a day, long after the end.")
        raise NotYet("wrong-envelope", did, should, "Base, doubled with each failure, and never more than cap.")


def _other_numbers(wait, rng):
    """What held with base=0.1 and cap=10 holds with other numbers as well."""
    for base, cap, attempts in ((0.001, 60.0, (5, 20)), (2.0, 3600.0, (3, 9))):
        try:
            _envelope(wait, base, cap, range(40), rng)
            for kind in ("equal", "full"):
                _spread(wait, kind, attempts[0], rng, base, cap)
            for prev in (None, cap / 2):
                _decorrelated(wait, prev, rng, base, cap)
        except NotYet as found:
            raise NotYet(
                "fixed-numbers", f"{found.did.removesuffix('.')}, with base={base:g} and cap={cap:g}.", found.should,
                "With base=0.1 and cap=10 it was right, so something in it fits only those two: a number, a rounding, "
                "or how many doublings lead to cap.") from None


def _huge(wait, rng):
    for attempt in (60, 1_020, 1_030, 1_100, 100_000):
        for kind in KINDS:
            if not 0 <= (got := wait(attempt, kind, rng, prev=10.0)) <= 10:
                raise NotYet(
                    "no-cap", f"gave {got:g} s at attempt {attempt:,} ({kind}).", "At most cap, 10 s, in every kind.",
                    "The cap is what keeps a client in touch: it bounds how late it notices that all is well again.")


def _chance(wait, kind):
    def sequence(seed):
        rng = random.Random(seed)
        return [wait(4, kind, rng, prev=0.5) for _ in range(20)]

    if sequence(1) == sequence(2):
        raise NotYet(
            "same-for-all", f"gave two clients with different generators the same 20 waits ({kind}).",
            "Each client's waits come from its own generator, the rng it is given.",
            "With the same seed everywhere all clients draw the same number, and come back together: no jitter at all.")
    if sequence(1) != sequence(1):
        raise NotYet("ignores-rng", f"gave two generators in the same state different waits ({kind}).",
                     "All chance comes from the rng argument.",
                     "With a generator of its own a function can be neither tested nor replayed.")


def _spread(wait, kind, attempt, rng, base=0.1, cap=10.0):
    e = min(cap, base * 2**attempt)
    low = e / 2 if kind == "equal" else 0.0
    draws = [wait(attempt, kind, rng, base=base, cap=cap) for _ in range(DRAWS)]
    least, most, mean = min(draws), max(draws), sum(draws) / DRAWS
    should = f"Any time between {low:g} and {e:g} s is as likely as any other."
    did = (
        f"drew waits from {least:.3g} to {most:.3g} s, {mean:.3g} s on average, "
        f"after failure {attempt} ({kind}, e = {e:g} s)."
    )
    if most - least < 0.2 * e:
        raise NotYet("narrow-jitter", did, should,
                     "A few percent move a wave of clients by milliseconds. The wave has to disappear.")
    share = sum(math.isclose(d, e) for d in draws) / DRAWS
    others = len({d for d in draws if not math.isclose(d, e)})
    if others < max(2, 0.9 * (1 - share) * DRAWS):
        raise NotYet("few-values",
                     f"{did.removesuffix('.')}; the {DRAWS:,} draws have {len(set(draws)):,} different values.", should,
                     "Clients that draw the same value come back together: a few steps are a few waves.")
    if share > 0.05:
        raise NotYet("caps-after-the-draw", f"{did} {share:.0%} of them are exactly e.", should,
                     "Draw first and cap then, and what exceeds cap piles up at cap: the clients are in step again.")
    if least < low - 1e-9 * e or most > e * (1 + 1e-9):
        raise NotYet("out-of-bounds", did, should,
                     "The bounds are the promise: how soon at the earliest, how late at most.")
    if least > low + 0.02 * (e - low):
        raise NotYet("wrong-lower-bound", did, should,
                     f"The lower bound is {low:g} s for this kind: nobody waits less than {least:.3g} s here.")
    quarters = [sum(low + (e - low) * q / 4 <= d < low + (e - low) * (q + 1) / 4 for d in draws) for q in range(4)]
    if abs(mean - (low + e) / 2) > 0.03 * (low + e) / 2 or max(quarters) > 1.15 * DRAWS / 4:
        raise NotYet("not-uniform", did, should,
                     "Where many clients are likely to come at the same moment, there is a wave.")


def _decorrelated(wait, prev, rng, base=0.1, cap=10.0):
    low, high = base, 3 * (base if prev is None else prev)
    draws = [wait(2, "decorrelated", rng, prev=prev, base=base, cap=cap) for _ in range(DRAWS)]
    # the mean of min(cap, uniform(low, high))
    over = max(0.0, high - cap)
    expected = ((min(high, cap) ** 2 - low**2) / 2 + cap * over) / (high - low)
    did = (
        f"drew waits from {min(draws):.3g} to {max(draws):.3g} s, {sum(draws) / DRAWS:.3g} s on average, "
        f"with prev={prev} (decorrelated)."
    )
    should = f"Uniform between {low:g} and {high:g} s, then at most {cap:g} s: {expected:.3g} s on average."
    if prev is None and max(draws) - min(draws) < 1e-9:
        raise NotYet(
            "no-first-draw", did, should,
            "The first wait is drawn as well. Those who failed together are together at the first wait most of all.")
    if min(draws) < low * (1 - 1e-9):
        raise NotYet("below-base", did, should, "Decorrelated jitter never waits less than base.")
    at_cap = sum(math.isclose(d, cap) for d in draws) / DRAWS
    if over and max(draws) <= cap * (1 + 1e-9) and at_cap < 0.5 * over / (high - low):
        raise NotYet(
            "caps-the-bound", did, should,
            "In this kind the draw comes first and the cap after it. With a capped bound the waits are shorter.")
    if max(draws) > min(high, cap) * (1 + 1e-9) or abs(sum(draws) / DRAWS - expected) > 0.03 * expected:
        raise NotYet(
            "ignores-prev", did, should,
            "Its upper bound is three times the wait before, not something that depends on the number of failures.")


# ---------------------------------------------------------------- task 2


def _http(code, retry_after=None):
    headers = Message()
    if retry_after is not None:
        headers["Retry-After"] = retry_after
    return HTTPError("http://bank.example", code, "", headers, None)


class _ProviderTimeout(TimeoutError):
    pass


def _failures():
    """(exception, its description, whether to call again, whether only if idempotent)"""
    for error in (ConnectionRefusedError("closed"), _http(429), _http(503)):
        yield error, "undone"
    for error in (
        ConnectionError(),
        ConnectionResetError(),
        BrokenPipeError(),
        TimeoutError(),
        _ProviderTimeout(),
        *map(_http, (408, 500, 502, 504)),
    ):
        yield error, "unknown"
    for error in (
        *map(_http, (400, 401, 402, 403, 404, 409, 410, 422, 501)),
        ValueError("amount < 0"),
        KeyError("customer"),
        ZeroDivisionError(),
        RuntimeError(),
        OSError(28, "disk full"),
        URLError("name not found"),
    ):
        yield error, "final"


class _Run:
    """One call of the answer against failures that happen in turn, on a clock that only moves by sleep."""

    def __init__(self, answer, failures, *, wait=lambda n: 1.0, deadline=math.inf, cost=0.0, value="paid", **kwargs):
        self.clock, self.calls, self.sleeps, self.asked, self.looks = FakeClock(start=1000.0), [], [], [], 0
        failures = list(failures)

        def fn():
            self.calls.append(self.clock.now())
            self.clock.sleep(cost)
            if len(self.calls) <= len(failures):
                raise failures[len(self.calls) - 1]
            return value

        def sleep(seconds):
            self.sleeps.append(seconds)
            self.clock.sleep(seconds)

        def delay(n):
            self.asked.append(n)
            return wait(n)

        def clock():
            self.looks += 1
            return self.clock.now()

        options = {"attempts": 4, "idempotent": False, **kwargs}
        self.error = self.result = None
        began = time.monotonic()
        try:
            self.result = answer(
                fn, delay=delay, deadline=1000 + deadline, clock=clock, sleep=sleep, **options
            )
        except BaseException as error:
            self.error = error
            refused = not self.calls and isinstance(error, Exception) and _on_purpose(error)  # it did not even begin
            if isinstance(error, NotImplementedError) or not (refused or any(error is each for each in failures)):
                seen, chain = error, []
                while seen is not None and len(chain) < 20:
                    chain.append(seen)
                    seen = seen.__cause__ or seen.__context__
                follows = any(a is b for a in chain for b in failures)
                if isinstance(error, NotImplementedError) or not follows or not _on_purpose(error):
                    raise  # the learner's own
                raise NotYet(
                    "wraps-the-failure",
                    f"raised {type(error).__name__} after the call had failed with {_name(failures[0])}.",
                    "The last exception of fn comes out, the very same object.",
                    "The caller's except clauses know that class, its status and its headers. They do not know yours.",
                ) from None
        self.real = time.monotonic() - began


def _on_purpose(error):
    """Whether a raise statement made it; False for a line that failed, such as int("0.5")."""
    last = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    return last.tb_frame.f_code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def _name(error):
    return f"HTTP status {error.code}" if isinstance(error, HTTPError) else type(error).__name__


def _times(count):
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _calls(count):
    return f"{count} call{'s' * (count != 1)}"


@lab.task(
    hints=[
        "for n in range(attempts), try: return fn(). After failure n decide: raise, or sleep and go round.",
        "HTTPError is an OSError, and ConnectionRefusedError a ConnectionError: ask for the special one first. Each "
        "failure is judged anew.",
        "A bare raise inside an except clause raises the exception that is being handled.",
        "Work out the wait first, Retry-After included. Then compare clock() plus that wait with deadline.",
    ],
    broker=False,
)
def retry_call(answer, bench):
    _results(answer)
    cases = _classified(answer)
    cases += _in_turn(answer)
    cases += _counted(answer)
    cases += _retry_after(answer)
    cases += _deadlines(answer)
    return f"{cases} cases"


def _results(answer):
    for value in ("paid", None, 0, "", False):
        run = _Run(answer, [], value=value)
        if len(run.calls) != 1 or run.sleeps:
            raise NotYet("retries-a-result",
                         f"called fn {_times(len(run.calls))} although the first call returned {value!r}.",
                         "A call that returns has succeeded, whatever it returns.",
                         "None or 0 is an answer. Only an exception says that the call failed.")
        if run.result is not value and run.result != value:
            raise NotYet("loses-the-result", f"returned {run.result!r:.40} when fn returned {value!r}.",
                         "What fn returned.")


def _classified(answer):
    cases = 0
    for error, about in _failures():
        for idempotent in (False, True):
            run = _Run(answer, [error], idempotent=idempotent)
            again = about == "undone" or about == "unknown" and idempotent
            did = f"called fn {_times(len(run.calls))} when it raised {_name(error)}, with idempotent={idempotent}."
            cases += 1
            if len(run.calls) > 1 and not again:
                if about == "unknown":
                    raise NotYet("repeats-unsafe", did, "One call.",
                                 "Nobody knows whether the first call was carried out. The card may be charged twice.")
                raise NotYet("retries-what-will-fail", did, "One call, and the exception comes out.",
                             "The same input fails in the same way. Each further attempt is load without use.")
            if len(run.calls) == 1 and again:
                raise NotYet(
                    "gives-up-too-soon", did, "It calls again.",
                    "This failure may pass, and calling again can do no harm here: the table says which is which.")
            _same(run, None if again else error)
    for error in (KeyboardInterrupt(), SystemExit(0)):
        run = _Run(answer, [error], idempotent=True)
        cases += 1
        if len(run.calls) > 1 or run.error is not error:
            raise NotYet("catches-everything", f"caught {type(error).__name__} and went on.", "It comes out at once.",
                         "Somebody stops the program. A loop that catches this cannot be stopped.")
    return cases


def _in_turn(answer):
    """Failures of different kinds, one after another: each is judged by itself."""
    refused, timeout, bad = ConnectionRefusedError("closed"), TimeoutError("no answer"), ValueError("amount < 0")
    cases = [  # the failures, idempotent, how many calls
        ([refused, timeout], False, 2),
        ([_http(503), _http(429), _http(500)], False, 3),
        ([refused, ConnectionResetError(), refused], False, 2),
        ([refused, _http(404)], False, 2),
        ([timeout, bad], True, 2),
        ([_http(500), refused, _http(400)], True, 3),
        ([timeout, refused, _http(503)], True, 4),
        ([refused, refused, _http(503)], False, 4),
    ]
    for failures, idempotent, calls in cases:
        run = _Run(answer, failures, idempotent=idempotent, attempts=9)
        what = ", then ".join(map(_name, failures))
        did = f"called fn {_times(len(run.calls))} when it raised {what}, with idempotent={idempotent}."
        if len(run.calls) > calls:
            raise NotYet(
                "judges-the-first-only", did, f"{_calls(calls)}: after {_name(failures[calls - 1])} there is none.",
                "Each failure is judged by itself. That the first call was refused says nothing about the second.")
        if len(run.calls) < calls:
            raise NotYet("gives-up-too-soon", did, f"{_calls(calls)}.", "Each of these failures allows another call.")
        _same(run, failures[calls - 1] if calls <= len(failures) else None)
    return len(cases)


def _same(run, last):
    if run.error is None and last is not None:
        raise NotYet("swallows-the-failure",
                     f"returned {run.result!r:.40} although every call had failed, the last with {_name(last)}.",
                     "The last exception of fn comes out.", "Who gets a None goes on as if the order were paid.")
    if run.error is not last:
        raise NotYet("not-the-last",
                     f"raised the failure of an earlier call ({_name(run.error)}), not that of the last.",
                     "The last exception of fn comes out, the very same object.",
                     "The last one says how things are now.")


def _counted(answer):
    for attempts in range(1, 7):
        failures = [ConnectionRefusedError(str(n)) for n in range(attempts + 3)]
        run = _Run(answer, failures, attempts=attempts, wait=lambda n: (n + 1) / 100)
        did = f"made {_calls(len(run.calls))} with attempts={attempts}, when all of them failed."
        if len(run.calls) == attempts + 1:
            raise NotYet("one-too-many", did, f"{_calls(attempts)} in all.",
                         "attempts counts calls, the first one included. Retries would be one less.")
        if len(run.calls) != attempts:
            raise NotYet("wrong-count", did, f"{_calls(attempts)} in all, and then the last exception.")
        _same(run, failures[attempts - 1])
        if len(run.sleeps) == attempts:
            raise NotYet("sleeps-for-nothing", f"slept {_times(len(run.sleeps))} for {_calls(attempts)}.",
                         "Only between two calls: after the last failure there is nothing to wait for.",
                         "The caller could have had the exception one wait earlier.")
        if attempts > 1 and not run.sleeps:
            raise NotYet(
                "own-sleep" if run.real > SLEPT_S else "does-not-wait",
                "never called the sleep that it was given between two calls.",
                "It sleeps delay(n) seconds, by that sleep.",
                "Time passes by the clock and sleep that come as arguments: so an hour is tested in a millisecond.")
        expected = [(n + 1) / 100 for n in range(attempts - 1)]
        if run.sleeps != expected:
            raise NotYet(
                "wrong-wait",
                f"asked for {', '.join(f'delay({n!r})' for n in run.asked) or 'no delay'} and slept {run.sleeps}.",
                f"delay(0), delay(1) … in that order, each once: {expected}.",
                "Failures are counted from 0, and the wait grows with them.")
    return 6


def _retry_after(answer):
    cases = [(503, "7", 1.0), (429, "30", 2.0), (503, "0.5", 2.0), (429, "0", 1.5), (500, "9", 1.0), (503, None, 3.0)]
    for code, header, own in cases:
        run = _Run(answer, [_http(code, header)], wait=lambda n, own=own: own, idempotent=True)
        asked = float(header or 0)
        expected, slept = max(own, asked), sum(run.sleeps)
        if expected * (1 - 1e-9) <= slept <= (own + asked) * (1 + 1e-9):  # the longer one, or both: as they like
            continue
        shown = f"Retry-After {header}" if header else "no Retry-After"
        did = f"slept {slept:g} s after status {code} with {shown} and delay(0) = {own:g} s."
        if slept < expected and math.isclose(slept, own):
            raise NotYet(
                "ignores-retry-after", did, f"{expected:g} s.",
                "The server says when it can be asked again. Until then every call is refused, and counts against you.")
        if slept > expected:
            raise NotYet("waits-too-long", did, f"{expected:g} s; at most {own + asked:g} s, both after each other.")
        raise NotYet(
            "retry-after-instead", did,
            f"At least {expected:g} s: as long as Retry-After says, and as long as delay(0) says.",
            "Retry-After says when it makes sense at the earliest. Your own backoff may have reasons to wait longer.")
    run = _Run(answer, [_http(503, "7"), ConnectionRefusedError()])
    if run.sleeps[1:] and not math.isclose(sum(run.sleeps[1:]), 1):
        raise NotYet(
            "keeps-retry-after",
            f"slept {sum(run.sleeps[1:]):g} s after a refused connection, because the answer before had said 7.",
            "delay(1) = 1 s.", "Retry-After counts from the answer that carries it. That time had passed already.")
    return len(cases) + 1


def _deadlines(answer):
    # what one call costs, the wait, the deadline, when calls may start
    cases = [
        (0, 3, 10, [0, 3, 6, 9]),
        (0, 5, 10, [0, 5]),
        (4, 1, 10, [0, 5]),
        (4, 2, 7, [0, 6]),
        (0, 100, 50, [0]),
        (9, 1, 9, [0]),
        (1, 1, 1000, [0, 2, 4, 6, 8, 10]),
        (0, 1, 0, [0]),
        (0, 1, -5, [0]),
    ]
    for cost, wait, deadline, starts in cases:
        failures = [ConnectionRefusedError(str(n)) for n in range(9)]
        run = _Run(answer, failures, attempts=6, wait=lambda n, w=wait: float(w), deadline=deadline, cost=float(cost))
        got = [at - 1000 for at in run.calls]
        shown = ", ".join(f"{at:g}" for at in got)
        case = f"with calls of {cost} s, waits of {wait} s and a deadline {deadline} s after the start"
        if not got:
            raise NotYet(
                "refuses-the-first-call", f"did not call fn, {case}.",
                "One call: the first one is made in any case. The deadline is about further ones.",
                "Without a call there is no exception of fn that could come out. Whether to begin at all is for the "
                "caller to decide.")
        _same(run, failures[len(got) - 1])
        if got != starts and not run.looks:
            raise NotYet("ignores-clock",
                         f"started calls at {shown} s, {case}, and never called the clock that it was given.",
                         f"Calls at {', '.join(map(str, starts))} s, by that clock.",
                         "deadline is a time of clock(). No other clock, and no counting, tells whether it has passed.")
        if any(at >= deadline for at in got[1:]):
            raise NotYet("starts-after-deadline", f"started calls at {shown} s, {case}.",
                         f"Calls at {', '.join(map(str, starts))} s: no further one starts at the deadline or later.",
                         "Nobody waits for the answer any more. deadline is a time of clock(), not a length of time.")
        if got != starts:
            raise NotYet("stops-too-early", f"started calls at {shown} s, {case}.",
                         f"Calls at {', '.join(map(str, starts))} s.",
                         "As long as the next attempt can start before the deadline, it is worth it.")
        if run.clock.now() - 1000 > starts[-1] + cost:
            raise NotYet("sleeps-into-the-deadline", f"gave up only at {run.clock.now() - 1000:g} s, {case}.",
                         f"At {starts[-1] + cost:g} s, when it was clear that the wait would end too late.",
                         "The caller could do something better with that time than wait for a refusal.")
    run = _Run(answer, [_http(503, "60")] * 5, deadline=30.0)
    if run.sleeps or len(run.calls) > 1:
        raise NotYet("retry-after-past-deadline",
                     f"slept {sum(run.sleeps):g} s when the server said 60 and the deadline was 30 s away.",
                     "It gives up at once: the wait would end after the deadline.",
                     "The wait that counts is the one you would really make, Retry-After included.")
    return len(cases) + 1


# ---------------------------------------------------------------- task 3

KEY = "kiosk:budget"


def nothing(r):
    """An empty broker is all there is to prepare."""


class _Budget:
    """The learner's budget, lenient in types: 1 for True."""

    def __init__(self, answer, r, ratio, reserve):
        self._budget = answer(r, KEY, ratio, reserve)

    def request(self, times=1):
        for _ in range(times):
            self._budget.request()

    def may_retry(self):
        got = self._budget.may_retry()
        if got not in (True, False):
            raise NotYet("not-a-verdict", f"returned {got!r:.40} from may_retry.", "may_retry returns True or False.")
        return bool(got)

    def drain(self, most=60):
        """How many retries in a row it allows."""
        return next((n for n in range(most) if not self.may_retry()), most)


@lab.task(
    hints=[
        "What several workers share must be in the broker: not in self. A key that does not exist is a full bucket.",
        "Read the tokens, decide, write them: another worker may act in between. Make it one step, as in lab 01.",
        "A Lua number that the broker returns or stores loses its fraction. tostring() keeps it.",
        "With WATCH and MULTI, who loses the race looks again, as often as it takes.",
    ],
    limit=20,
)
def RetryBudget(answer, bench):  # noqa: N802 — the task is a class
    _bucket(answer, bench)
    _shared_by_all(answer, bench)
    operations = _as_the_model(answer, bench)
    _slow_holder(answer, bench)
    tried = _exact_in_every_order(answer, bench)
    points = _dies(answer, bench)
    _in_a_rush(answer, bench)
    return f"{operations} operations against a model, {tried} interleavings, {points}, 16 callers at once"


def _bucket(answer, bench):
    fresh = lambda ratio, reserve: (bench.flush(), _Budget(answer, bench.r, ratio, reserve))[1]  # noqa: E731
    budget = fresh(0.5, 4)
    if (got := budget.drain()) < 4:
        raise NotYet("starts-empty", f"allowed {got} retries from a bucket that nobody had used, with reserve=4.",
                     "4: an unused bucket is full.",
                     "Without a reserve the first failure of a quiet service cannot be retried at all.")
    if got > 4:
        raise NotYet(
            "refills-itself", f"allowed {got} retries in a row without a single request, with reserve=4.",
            "4, and then False.",
            "Only requests put tokens in. If attempts do, retries pay for retries, most of all when everything fails.")
    budget = fresh(0.5, 4)
    budget.request()
    if (got := budget.drain()) < 4:
        raise NotYet("starts-empty", f"allowed {got} retries from a new bucket after one request, with reserve=4.",
                     "4: a bucket that nobody has used is full, whichever method comes first.",
                     "The first call of a worker is request(). What it finds in a new bucket counts as well.")
    for key in bench.r.scan_iter():
        if (ttl := bench.r.ttl(key)) >= 0:
            raise NotYet("expires", f"left the key {key} with {ttl} s to live.", "No expiry.",
                         "A key that is gone is a full bucket, so time would fill it. Only requests do.")
    budget = fresh(0.25, 2)
    budget.may_retry(), budget.may_retry()
    budget.request(4)
    if not budget.may_retry():
        raise NotYet("loses-fractions", "allowed no retry after 4 requests at ratio=0.25.",
                     "True: 4 · 0.25 is a token.",
                     "A number that becomes an integer on its way into the broker or out of it loses its fraction.")
    budget = fresh(0.5, 4)
    budget.drain()
    if budget.drain():
        raise NotYet("refills-itself", "allowed a retry after it had said False, without a request.",
                     "False, as before.")
    budget.request(2)
    if (got := budget.drain()) > 1:
        raise NotYet("wrong-ratio",
                     f"allowed {got} retries after two requests at ratio=0.5, with an empty bucket before.",
                     "One: 2 · 0.5 is a token.", "Each request puts in ratio of a token, not a whole one.")
    if got < 1:
        raise NotYet(
            "refusal-costs",
            "did not allow one retry after two requests at ratio=0.5, some refusals after the bucket was empty.",
            "One: 2 · 0.5 is a token.",
            "A refusal takes nothing. A bucket below zero must be filled first; a long outage makes it deep.")
    budget = fresh(0.5, 4)
    budget.request(100)
    if (got := budget.drain()) > 4:
        raise NotYet("no-ceiling", f"allowed {got} retries in a row after 100 quiet requests, with reserve=4.",
                     "4: the bucket never holds more than reserve.",
                     "A day without failures would save up for an avalanche.")
    budget = fresh(0.25, 2)
    budget.drain()
    budget.request(3)
    if budget.may_retry():
        raise NotYet("retries-on-credit", "allowed a retry with 3 · 0.25 tokens in the bucket.",
                     "False: a retry takes a whole token.",
                     "Over a long time this allows four retries where one is paid for.")


def _shared_by_all(answer, bench):
    bench.flush()
    with bench.client() as other:
        mine, before = _Budget(answer, bench.r, 0.5, 3), _Budget(answer, other, 0.5, 3)
        mine.drain()
        if before.may_retry():
            raise NotYet("keeps-it-in-memory",
                         "allowed a second worker a retry after the first had emptied the bucket.",
                         "False: they share one bucket, the key in the broker.",
                         "Forty workers with a budget of their own have forty budgets.")
        after = _Budget(answer, other, 0.5, 3)
        if after.may_retry():
            raise NotYet("refills-on-restart", "filled the bucket when a new RetryBudget was made for the same key.",
                         "The bucket stays as it is.",
                         "A worker that crashes in a loop would bring a full bucket each time.")


def _as_the_model(answer, bench):
    count = 0
    for ratio, reserve in ((0.25, 3.5), (0.5, 1), (0.1, 2), (2, 5)):
        bench.flush()
        budget, tokens = _Budget(answer, bench.r, ratio, reserve), float(reserve)
        for step in range(150):
            count += 1
            if bench.rng.random() < (0.8 if step // 25 % 2 else 0.2):  # calm, and stormy
                budget.request()
                tokens = min(reserve, tokens + ratio)
                continue
            got = budget.may_retry()
            if got != (tokens >= 1) and abs(tokens - 1) > 1e-6:  # 0.1 ten times is not quite 1
                raise NotYet("wrong-budget",
                             f"said {got} with {tokens:.3g} tokens in the bucket (ratio {ratio}, reserve {reserve}).",
                             f"{tokens >= 1}: a retry takes one token.")
            tokens -= got
    return count


class _Rival(Hook):
    """Another worker notes a request before each of the first commands of a client."""

    def __init__(self, budget, times):
        self.budget, self.times = budget, times

    def before(self, connection, step):
        if self.times:
            self.times -= 1
            self.budget.request()
        return step


def _exact_in_every_order(answer, bench):
    def worker(r):
        return _Budget(answer, r, 0.5, 2)

    def holding(tokens):
        def prepare(r):
            worker(r).drain()
            worker(r).request(int(2 * tokens))

        return prepare

    def at_most(total, why):
        def verify(r, results):
            retries = sum(int(value or 0) for value in values(results)) + worker(r).drain()
            if retries > total:
                raise NotYet("overspends", f"allowed {retries} retries where {total} were paid for.",
                             f"{total}, in whatever order the workers' commands come.", why)
            if retries < total:
                raise NotYet("loses-tokens", f"allowed {retries} retries where {total} were paid for.",
                             f"{total}, in whatever order the workers' commands come.",
                             "One worker's change undid what another had done in between.")

        return verify

    def one_of_them(r, results):
        if sum(int(value or 0) for value in values(results)) != 1:
            raise NotYet("refuses-a-token",
                         "said False to both workers although there was a whole token when one of them asked.",
                         "One of them gets it.",
                         "One had taken for a moment what was not there, and the other one saw that.")

    took = "Two workers looked at the same token, and both took it."
    wrote = "One worker's change undid what another had taken in between."
    take, put = lambda r: int(worker(r).may_retry()), lambda r: worker(r).request()  # noqa: E731
    takes = lambda r: worker(r).may_retry() + worker(r).may_retry()  # noqa: E731
    put_and_take = lambda r: (put(r), take(r))[1]  # noqa: E731
    half = lambda r: (worker(r).drain(), put(r))[0]  # noqa: E731
    tried = interleave(bench, holding(1), [take, take], at_most(1, took), limit=60)
    tried += interleave(bench, holding(0), [put, put], at_most(1, wrote), limit=60)
    tried += interleave(bench, nothing, [put, put], at_most(2, wrote), limit=60)
    tried += interleave(bench, holding(1), [put, take], at_most(1, wrote), limit=60)
    tried += interleave(bench, holding(2), [put, takes], at_most(2, wrote), limit=60)
    tried += interleave(bench, half, [take, put_and_take], one_of_them, limit=60)
    return tried


def _expire(r):
    """The time passes after which a lease runs out. Returns how many keys are gone."""
    return sum(r.delete(key) for key in list(r.scan_iter()) if r.ttl(key) >= 0)


def _dies(answer, bench):
    """A worker dies at any command of a request."""
    left = []

    def put(r):
        _Budget(answer, r, 1, 2).request()

    def others_go_on(r):
        _expire(bench.r)
        left[:] = [_Budget(answer, r, 1, 2).drain(9)]

    def full(r, result):
        if left[0] > 2:
            raise NotYet(
                "no-ceiling",
                f"allowed {left[0]} retries in a row after a worker had died in request(), with reserve=2.",
                "2: the bucket never holds more than reserve.",
                "It put in more than fits and was to take the excess out again. Between two commands a worker can die.")

    return crash_sweep(bench, nothing, put, others_go_on, full)


class _Slow(Hook):
    """Stops its client before command n, for longer than any lease lasts, and lets `others` act meanwhile."""

    def __init__(self, n, others):
        self.left, self.others = n, others

    def before(self, connection, step):
        self.left -= 1
        if self.left == 0:
            self.others()
        return step


def _slow_holder(answer, bench):
    """A worker that stops while it holds a lock with an expiry. Where there is no such key, nothing happens here."""
    for n in range(1, 30):
        bench.flush()
        rival, taken = _Budget(answer, bench.r, 0.5, 2), []
        rival.drain()
        rival.request(2)
        slow = _Slow(n, lambda: _expire(bench.r) and taken.append(rival.may_retry()))  # noqa: B023
        try:
            got = _Budget(answer, traced_client(bench.broker.url, slow), 0.5, 2).may_retry()
        except redis.exceptions.LockError:
            got = True
        if slow.left > 0:
            return
        if got + sum(taken) > 1:
            raise NotYet(
                "lock-runs-out",
                "gave one token to two workers: the first was slow, and its lock, a key with an expiry, had run out.",
                "At most ratio · requests + reserve, however slow a worker is.",
                "A time-out is a guess at how long the holder is away. Without one a dead worker keeps the lock for "
                "ever. One step in the broker needs no lock.")


def _in_a_rush(answer, bench):
    bench.flush()
    rival, rushed = _Budget(answer, bench.r, 0.5, 2), _Rival(None, 18)
    rushed.budget = rival
    rival.drain()
    rival.request(4)
    if not _Budget(answer, traced_client(bench.broker.url, rushed), 0.5, 2).may_retry():
        raise NotYet("gives-up-in-a-rush",
                     "said False because other workers were quicker, time and again, with a full bucket.",
                     "True: there is a token.",
                     "That somebody else changed the bucket is no reason to refuse. Look again.")
    bench.flush()
    allowed = sum(
        value is True for value in values(race(bench, 16, lambda i, r: _Budget(answer, r, 0.5, 5).may_retry()))
    )
    if allowed != 5:
        raise NotYet("overspends", f"allowed {allowed} of 16 workers a retry at the same time, with reserve=5.",
                     "5 of them.")


# ---------------------------------------------------------------- stretch

Q, WAITING = "kiosk:pay:q", "kiosk:pay:q:retry"
FAR = 3600.0


@lab.task(
    hints=[
        "The score of a sorted set is the time at which a message is due: r.time() gives the broker's, in two parts.",
        "A sorted set holds each member once. What must a member carry so that two equal messages differ, whoever "
        "schedules them and whenever? And how does the text come out again, whatever is in it?",
        "ZRANGEBYSCORE with LIMIT finds what is due. Taking it out and putting it into q must be one step.",
        "In Lua, redis.call('TIME') gives two strings; t[1] + t[2] / 1e6 is a number.",
    ]
)
def DelayedRetry(answer, bench):  # noqa: N802 — the task is a class
    _when_due(answer, bench)
    _not_before(answer, bench)
    _each_for_itself(answer, bench)
    _as_they_are(answer, bench)
    _clocks(answer, bench)
    _order_and_limit(answer, bench)
    tried = _exactly_once(answer, bench)
    points = _crashes(answer, bench)
    _broker_dies(answer, bench)
    return f"{tried} interleavings, {points}, a killed broker"


def _promote(retries, limit=10):
    got = retries.promote_due(limit)
    if isinstance(got, bool) or not isinstance(got, int):
        raise NotYet("not-a-count", f"returned {got!r:.40} from promote_due.", "It returns how many messages it moved.")
    return got


def _when_due(answer, bench):
    retries, r = answer(bench.r, Q), bench.r
    if _promote(retries) != 0:
        raise NotYet("not-a-count", "counted messages when there were none.", "0.")
    retries.schedule("later", FAR)
    if r.zcard(WAITING) != 1:
        raise NotYet("wrong-place", f"left {r.zcard(WAITING)} entries in {WAITING} after one schedule.",
                     "What waits is in the sorted set q + ':retry', one entry a message.",
                     "Operators count what waits there, and other workers look for it there.")
    if _promote(retries) or r.llen(Q):
        raise NotYet("promotes-too-early", "moved a message at once that is due in an hour.",
                     "It stays where it is until it is due.", "A retry without its wait is the thundering herd again.")
    text = '{"id": 7, "note": "späti: ☕"}'
    retries.schedule(text, 0.1)
    time.sleep(0.2)
    got = _promote(retries)
    if not r.llen(Q):
        raise NotYet("never-due", "did not move a message that had been due for 0.1 s.",
                     "It is in q, and promote_due returns 1.",
                     "Seconds or milliseconds? Both methods have to mean the same.")
    if r.lrange(Q, 0, -1) != [text]:
        raise NotYet("changes-the-message", f"left {r.lrange(Q, 0, -1)!r:.70} in q for the message {text!r}.",
                     "The message as it was.", "The worker that takes it from q does not know about your bookkeeping.")
    if got != 1 or r.zcard(WAITING) != 1:
        raise NotYet("not-a-count", f"returned {got} when it had moved one message of two.",
                     "1; the other one still waits.")


def _not_before(answer, bench):
    """Not even a part of a second before."""
    bench.flush()
    retries, r, dues = answer(bench.r, Q), bench.r, (0.1, 0.2, 0.3, 0.4)
    wait_until(lambda: r.time()[1] < 500_000, what="the first half of a second")  # a rounded clock shows there
    seconds, micros = r.time()
    for due in dues:
        retries.schedule(f"{due:g}", due)
    _promote(retries)
    now = r.time()
    passed = now[0] - seconds + (now[1] - micros) / 1e6
    if early := [text for text in r.lrange(Q, 0, -1) if float(text) > passed]:
        raise NotYet(
            "promotes-too-early", f"moved a message {passed:.2f} s after it had been scheduled for {early[0]} s later.",
            "It stays where it is until it is due, to the millisecond.",
            "TIME has two parts, seconds and microseconds. The time without its second part is up to a second off.")


def _each_for_itself(answer, bench):
    """Equal texts are messages of their own: from two workers, with two due times, before and after a promotion."""
    bench.flush()
    r, one, two = bench.r, answer(bench.r, Q), answer(bench.r, Q)

    def expect(scheduled, moved, when):
        found, waiting = r.llen(Q), r.zcard(WAITING)
        if (found, found + waiting) != (moved, scheduled):
            raise NotYet(
                "merges-equal-messages",
                f"left {found} in q and {waiting} waiting of {scheduled} equal messages, {when}.",
                f"{moved} in q and {scheduled - moved} waiting.",
                "A sorted set holds each member once: who adds it again moves it. Each message needs its own member.")

    one.schedule("same", 0)
    two.schedule("same", 0)
    if (moved := _promote(one, 1)) != r.llen(Q) or moved != 1:
        raise NotYet("ignores-limit",
                     f"moved {r.llen(Q)} messages and returned {moved}, with limit=1 and two equal ones due.", "One.",
                     "Each of the two is a message, and counts.")
    _promote(one)
    expect(2, 2, "scheduled by two workers")
    one.schedule("same", FAR)
    one.schedule("same", 0)
    two.schedule("same", FAR)
    _promote(two)
    expect(5, 3, "due at different times")
    two.schedule("same", FAR)
    expect(6, 3, "scheduled before and after a promotion")


def _as_they_are(answer, bench):
    bench.flush()
    texts = ["a|b", "|", "a:b:c", "a b", '"quoted"', "{}", "7:x", "line\nline", "0" * 40]
    retries, r = answer(bench.r, Q), bench.r
    for text in texts:
        retries.schedule(text, 0)
    _promote(retries, 100)
    found = r.lrange(Q, 0, -1)
    if odd := sorted(set(found) - set(texts)):
        raise NotYet(
            "changes-the-message",
            f"left {odd[0]!r:.70} in q, which nobody had scheduled; these were: {', '.join(map(repr, texts[:5]))} …",
            "Each message as it was.", "Whatever separates your mark from the message can be in the message, too.")
    _delivered(r, sorted(texts), "after they were due")


def _clocks(answer, bench):
    """The worker's own clock is an hour ahead, or behind, while it schedules."""
    real, real_ns = time.time, time.time_ns
    for skew, due in ((FAR, True), (-FAR, False)):
        bench.flush()
        with (
            mock.patch("time.time", lambda s=skew: real() + s),
            mock.patch("time.time_ns", lambda s=skew: real_ns() + int(s * 1e9)),
        ):
            answer(bench.r, Q).schedule("m", 0 if due else FAR / 2)
        if bool(_promote(answer(bench.r, Q))) != due:
            raise NotYet(
                "own-clock",
                f"moved a message {'too late' if due else 'too early'}: it was scheduled by a worker whose clock is "
                f"an hour {'ahead' if due else 'behind'}.", "When it is due counts by the broker's clock.",
                "Clocks of machines differ by seconds or more. The broker has one clock for all of them.")
        bench.flush()
        answer(bench.r, Q).schedule("m", 0 if due else FAR / 2)
        with (
            mock.patch("time.time", lambda s=skew: real() - s),
            mock.patch("time.time_ns", lambda s=skew: real_ns() - int(s * 1e9)),
        ):
            moved = bool(_promote(answer(bench.r, Q)))
        if moved != due:
            raise NotYet(
                "promotes-by-own-clock",
                f"moved a message {'too late' if due else 'too early'}, because the promoting worker's clock is wrong.",
                "When it is due counts by the broker's clock, in both methods.")


def _order_and_limit(answer, bench):
    bench.flush()
    r, retries = bench.r, answer(bench.r, Q)
    r.rpush(Q, "there before")
    for name, due in (("c", 0.25), ("a", 0.05), ("e", 0.45), ("b", 0.15), ("d", 0.35)):
        retries.schedule(name, due)
    time.sleep(0.5)
    got = _promote(retries, 2)
    found = r.lrange(Q, 0, -1)
    if len(found) != 3 or got != 2:
        raise NotYet(
            "ignores-limit", f"moved {len(found) - 1} messages and returned {got}, with limit=2 and five due.", "Two.",
            "After a long outage thousands are due. Whoever moves them all at once blocks everybody else meanwhile.")
    if found[0] != "there before":
        raise NotYet("jumps-the-queue", f"left {found} in q.", "Messages go to the tail.",
                     "Retries have had their turn already.")
    _promote(retries)
    if (found := r.lrange(Q, 0, -1)[1:]) != list("abcde"):
        raise NotYet("wrong-order", f"moved {', '.join(found)}; they were due as a, b, c, d, e.",
                     "The earliest due first.",
                     "With a limit, whoever is not first may never be: others come due all the time.")


FOUND_TWICE = "Finding and taking out were two steps, and in between somebody else found the same."


def _delivered(r, expected, when, twice=FOUND_TWICE):
    found = sorted(r.lrange(Q, 0, -1))
    if len(found) > len(expected):
        raise NotYet("moves-twice", f"left {found} in q {when}.", f"{expected}, each once.", twice)
    if found != expected:
        raise NotYet("loses-a-message", f"left {found} in q {when}.", f"{expected}, each once.",
                     "Between the place where it waited and the queue there was a moment in which it was nowhere.")


def _exactly_once(answer, bench):
    def three(r):
        for name in "abc":
            answer(r, Q).schedule(name, 0)

    def all_once(r, results):
        counted = sum(values(results)[:1] + [v for v in results[1:] if isinstance(v, int)])
        counted += _promote(answer(r, Q))
        _delivered(r, ["a", "b", "c"], "after two workers had promoted at the same time")
        if counted != 3:
            raise NotYet("miscounts", f"counted {counted} moves of 3 messages, two workers together.", "3.")

    def with_a_new_one(r, results):
        values(results)
        _promote(answer(r, Q))
        _delivered(
            r,
            ["a", "b", "c", "d"],
            "after one worker had scheduled 'd' while another promoted",
            "Scheduling or moving took more than one step, and the other worker met what was half done.",
        )

    two = lambda r: _promote(answer(r, Q), 2)  # noqa: E731
    tried = interleave(bench, three, [two, two], all_once, limit=100)
    tried += interleave(bench, three, [two, lambda r: answer(r, Q).schedule("d", 0)], with_a_new_one, limit=100)
    return tried


def _crashes(answer, bench):
    def three(r):
        for name in "abc":
            answer(r, Q).schedule(name, 0)

    def recover(r):
        _promote(answer(r, Q))

    points = crash_sweep(
        bench,
        three,
        lambda r: _promote(answer(r, Q)),
        recover,
        lambda r, result: _delivered(r, ["a", "b", "c"], "after a worker had died while it promoted"),
    )

    def whole(r, result):
        if r.lrange(Q, 0, -1) not in ([], ["m"]):
            raise NotYet("half-scheduled",
                         f"left {r.lrange(Q, 0, -1)} in q after a worker had died while it scheduled 'm'.",
                         "The message, or nothing.",
                         "What belongs together is written in one step, or in an order in which a half is harmless.")

    crash_sweep(bench, nothing, lambda r: answer(r, Q).schedule("m", 0), recover, whole)
    return points


def _broker_dies(answer, bench):
    with bench.broker.expendable() as victim:
        with victim.client() as client:
            client.flushall()
            for name in "abc":
                answer(client, Q).schedule(name, 0)
            # with appendfsync everysec, a broker that waits for the disk acknowledges what it holds in memory only
            wait_until(lambda: not client.info("persistence")["aof_pending_bio_fsync"], what="the disk")
        victim.kill()
        victim.restart()
        with victim.client() as client:
            _promote(answer(client, Q))
            _delivered(client, ["a", "b", "c"], "after the broker was killed and restarted")
