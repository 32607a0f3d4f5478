"""Checks of lab 14: a projection that converges, fresh reads, a rebuild that nobody notices, staleness, a search."""

from __future__ import annotations

import itertools
import math
import numbers
import os
import signal
import time
from collections import Counter
from contextlib import suppress

import redis

from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.kills import in_a_process
from mqlab.checks.sweeps import SimulatedCrash, crash_sweep, interleave, lost_reply_sweep, values
from mqlab.checks.trace import Trace
from mqlab.checks.traced import Hook, traced_client
from mqlab.faults import duplicated, reordered
from mqlab.kiosk import envelope

lab = Lab("14-cqrs")
STRETCH = ("find_orders",)


def _needs_the_broker(call, bench):
    """Raise unless an error of the broker passes through `call(r)`."""
    try:
        got = call(bench.unreachable())
    except redis.ConnectionError:
        return
    except Exception as error:
        raise NotYet("hides-broker-errors", f"raised {type(error).__name__} when the broker was down.",
                     "The error of the broker (redis.ConnectionError) passes through.",
                     "Whoever called must know that nothing is known.") from None  # fmt: skip
    raise NotYet("hides-broker-errors", f"returned {got!r:.40} although the broker was down.",
                 "The error of the broker passes through.", "The caller believes that all is well.")


# ---------------------------------------------------------------- task 1

VIEW = "kiosk:view"
STATUS = {"OrderPlaced": "placed", "OrderPaid": "paid", "OrderShipped": "shipped", "OrderCancelled": "cancelled"}


def _life(order, customer, total, ts_ms, *steps, first=1, clock=10):
    """The events of an order: OrderPlaced, and then `steps` of (type, version)."""
    placed = envelope("OrderPlaced", order, {"customer": customer, "total": total}, seq=first, ts_ms=ts_ms)
    rest = [envelope(kind, order, {}, seq=seq, ts_ms=ts_ms + clock * seq) for kind, seq in steps]
    return [placed, *rest]


LIFE = _life("o1", "ann", 30, 1000, ("OrderPaid", 9), ("OrderShipped", 10))
REVIVED = _life("o1", "ann", 30, 1000, ("OrderCancelled", 5), ("OrderPaid", 7), first=4)
SLOW_CLOCK = _life("o1", "ann", 30, 1000, ("OrderPaid", 2), ("OrderShipped", 3), clock=-50)


def _told(events):
    return ", ".join(f"{event['type']} ({event['seq']})" for event in events)


def _rows(r):
    keys = (key for key in r.scan_iter(f"{VIEW}:order:*", count=1000) if key.count(":") == 3)
    return {key.rsplit(":", 1)[1]: r.hgetall(key) for key in sorted(keys)}


def _compare(r, events, when):
    """Raise unless the read model is what these events, in whatever order, lead to."""
    rows, newest = _rows(r), {}
    for event in events:
        if event["key"] not in newest or event["seq"] > newest[event["key"]]["seq"]:
            newest[event["key"]] = event
    for order, event in newest.items():
        row = rows.get(order, {})
        got = (row.get("version"), row.get("status"))
        want = (str(event["seq"]), STATUS[event["type"]])
        if got != want:
            _wrong_status(got, want, order, row, when)
    for placed in (event for event in events if event["type"] == "OrderPlaced"):
        order, body, row = placed["key"], placed["body"], rows[placed["key"]]
        if (row.get("customer"), row.get("total")) != (body["customer"], str(body["total"])):
            raise NotYet("late-placed-lost", f"left the row of {order} as {row} {when}.",
                         f"customer {body['customer']} and total {body['total']}: OrderPlaced has come.",
                         "What only OrderPlaced knows has to be kept, whenever it comes, and whatever its version.")
        score = r.zscore(f"{VIEW}:orders:{body['customer']}", order)
        if score != placed["ts_ms"]:
            raise NotYet("wrong-list", f"has {order} in the list of {body['customer']} with the score {score} {when}.",
                         f"{placed['ts_ms']}, the ts_ms of its OrderPlaced.",
                         "The page shows the newest orders first, and newest is: placed last.")  # fmt: skip
    counts = {status: int(n) for status, n in r.hgetall(f"{VIEW}:counts").items() if n != "0"}
    truth = dict(Counter(STATUS[event["type"]] for event in newest.values()))
    if counts != truth:
        raise NotYet("wrong-counts", f"left the counts {counts} {when}.", f"{truth}, as the rows say.",
                     "A count that is moved must be moved once, from the status before to the status after.")


def _wrong_status(got, want, order, row, when):
    if got == (None, None):
        raise NotYet("no-row", f"left no version and status in the row of {order} {when}: {row}.",
                     f"version {want[0]}, status {want[1]}.",
                     "The row shows the newest that has come, even if OrderPlaced has not.")  # fmt: skip
    if got[0] and got[0].isdigit() and int(got[0]) < int(want[0]):
        raise NotYet("older-overwrites-newer", f"left {order} at version {got[0]} ({got[1]}) {when}.",
                     f"version {want[0]}, {want[1]}.",
                     "An event that comes late is old. The highest version wins, whatever comes last.")  # fmt: skip
    raise NotYet("wrong-row", f"left {order} at version {got[0]} with the status {got[1]!r} {when}.",
                 f"version {want[0]}, status {want[1]!r}.", "Both are those of the newest event.")  # fmt: skip


@lab.task(
    hints=[
        "Two kinds of facts are in an event. Some are true of the order for ever (customer, total, when it was "
        "placed): write them whenever they come. The status is true until a newer event comes.",
        "Compare versions as numbers. In Lua: tonumber(…).",
        "When the status moves on, one count goes down and another one up. All of it, the row included, in one "
        "script, or between WATCH and EXEC: if the row is unchanged, the counts must be unchanged too.",
    ],
    limit=20,
)
def apply(answer, bench):
    _applies_simply(answer, bench.r)
    orders = _all_orders_of_arrival(answer, bench.r)
    _applies_at_random(answer, bench)
    _needs_the_broker(lambda r: answer(r, VIEW, LIFE[0]), bench)
    crashes, losses = _apply_crashes(answer, bench)
    tried = _two_appliers(answer, bench)
    _agrees_all_the_time(answer, bench)
    return f"{orders} orders of arrival, {crashes} crash points, {losses} lost replies, {tried}"


def _applies_simply(answer, r):
    for events in ([LIFE[0]], LIFE, [LIFE[0], LIFE[0]], [LIFE[1], LIFE[0]], [LIFE[2], LIFE[1], LIFE[0]]):
        r.flushall()
        for n, event in enumerate(events):
            answer(r, VIEW, event)
            _compare(r, events[: n + 1], f"after: {_told(events[: n + 1])}")
    _must_not_expire(r, "Nobody brings it back: its events have been applied.")
    for life, code, why in ((REVIVED, "status-decides", "A cancelled order can be paid late."),
                            (SLOW_CLOCK, "clock-decides", "Two servers have two clocks, and one was behind.")):
        for events in (life, life[::-1]):
            r.flushall()
            for event in events:
                answer(r, VIEW, event)
            try:
                _compare(r, events, f"after: {_told(events)}")
            except NotYet as found:
                if found.code in ("older-overwrites-newer", "wrong-row"):
                    raise NotYet(code, found.did, found.should, f"{why} Only the version says what is newer.") from None
                raise


def _must_not_expire(r, why):
    for key in r.scan_iter(count=1000):
        if r.ttl(key) >= 0:
            raise NotYet("expires", f"left {key} with a lifetime of {r.ttl(key)} s.", "It stays.", why)


def _all_orders_of_arrival(answer, r):
    """Every sequence of at most five of the three events that has each of them."""
    count = 0
    for length in (3, 4, 5):
        for places in itertools.product(range(3), repeat=length):
            if set(places) == {0, 1, 2}:
                events = [LIFE[place] for place in places]
                r.flushall()
                for event in events:
                    answer(r, VIEW, event)
                _compare(r, events, f"after: {_told(events)}")
                count += 1
    return count


def _applies_at_random(answer, bench):
    bench.flush()
    ends = [(), (("OrderPaid", 2),), (("OrderPaid", 2), ("OrderShipped", 3)), (("OrderCancelled", 2),),
            (("OrderPaid", 3), ("OrderCancelled", 12))]  # fmt: skip
    events = [event for n in range(30)
              for event in _life(f"o{n}", ("ann", "bob")[n % 2], n, 1000 + n, *ends[n % len(ends)])]
    for event in reordered(duplicated(events, 0.5, bench.rng), 12, bench.rng):
        answer(bench.r, VIEW, event)
    _compare(bench.r, events, "after the events of 30 orders, mixed, half of them twice")


def _apply_crashes(answer, bench):
    crashes = losses = 0
    for first, event in ((LIFE[0], LIFE[1]), (LIFE[2], LIFE[0])):
        def prepare(r, first=first):
            answer(r, VIEW, first)

        def call(r, event=event):
            answer(r, VIEW, event)

        def verify(r, result, events=(first, event)):
            if isinstance(result, Exception) and not isinstance(result, redis.RedisError):
                raise result
            if isinstance(result, redis.RedisError):
                answer(r, VIEW, events[1])  # it gets its event again
            try:
                _compare(r, events, "after its event was given again")
            except NotYet as found:
                raise NotYet("half-done", f"{found.did} Before, its process died, or lost a reply, in apply.",
                             found.should, "What takes several steps can end after one of them, and then the event "
                             "comes again.") from None  # fmt: skip

        crashes += crash_sweep(bench, prepare, call, call, verify)
        losses += lost_reply_sweep(bench, prepare, call, verify)
    return crashes, losses


def _two_appliers(answer, bench):
    tried = 0
    others = [LIFE[0], _life("o2", "bob", 7, 1000)[0]]
    for first, events in ((None, LIFE[:2]), (LIFE[0], [LIFE[1], LIFE[1]]), (LIFE[0], LIFE[1:]), (None, others)):
        def prepare(r, first=first):
            if first:
                answer(r, VIEW, first)

        def verify(r, results, events=events, first=first):
            for result, event in zip(results, events, strict=True):
                if isinstance(result, redis.WatchError):
                    answer(r, VIEW, event)  # it says that it did not happen, and gets its event again
                elif isinstance(result, BaseException):
                    raise result
            try:
                _compare(r, [*events, first] if first else events, f"after two workers: {_told(events)}")
            except NotYet as found:
                if events is others:
                    raise NotYet("two-orders", f"{found.did} They were events of two orders, o1 and o2.", found.should,
                                 "Two orders have no row in common, but they have the counts.") from None  # fmt: skip
                raise NotYet("two-workers", found.did, found.should,
                             "Between look and write, another worker wrote.") from None  # fmt: skip

        callers = [lambda r, event=event: answer(r, VIEW, event) for event in events]
        tried += interleave(bench, prepare, callers, verify, limit=150)
    return f"{tried} interleavings of two workers"


class _Counting(Hook):
    """After each command: do the counts agree with the rows?"""

    def __init__(self, bench):
        self.r, self.found, self.trace = bench.r, None, Trace()
        self.client = traced_client(bench.broker.url, self, socket_timeout=None)

    def after(self, connection, step, reply):
        self.trace.add("your code", step, reply)
        counts = {status: int(n) for status, n in self.r.hgetall(f"{VIEW}:counts").items() if n != "0"}
        rows = dict(Counter(row["status"] for row in _rows(self.r).values() if "status" in row))
        if counts != rows and self.found is None:
            self.found = counts, rows


def _agrees_all_the_time(answer, bench):
    bench.flush()
    counting = _Counting(bench)
    for event in (LIFE[1], LIFE[0], LIFE[2], LIFE[1]):
        answer(counting.client, VIEW, event)
        if counting.found:
            raise NotYet("counts-apart", f"let a reader see the counts {counting.found[0]} between two commands, "
                         f"when the rows were {counting.found[1]}.", "They agree all the time.",
                         "Changed in two steps, they let a reader come between.", counting.trace)  # fmt: skip


# ---------------------------------------------------------------- task 2

ROW, LOOKS_A_SECOND = "kiosk:view:order:o7", 1000


class _Enough(BaseException):
    """The check has seen what it wanted: this call would go on for ever."""


class _World(Hook):
    """Fake time, and what happens in it: `events`, [(seconds, what to do)]. Counts looks; ends what does not end."""

    def __init__(self, bench, events=(), look_s=0.0):
        self.look_s = look_s
        self.now, self.events = 100.0, [(100.0 + at, what) for at, what in events]
        self.looks, self.pauses, self.end, self.slept, self.asked = 0, [], 1e9, False, 0
        self.r = bench.r
        self.client = traced_client(bench.broker.url, self, socket_timeout=None)

    def clock(self):
        self.asked += 1
        if self.asked > 20_000:
            raise _Enough
        return self.now

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += max(0.0, seconds)
        while self.events and self.events[0][0] <= self.now:
            self.events.pop(0)[1](self.r)
        if self.now > self.end:
            raise _Enough

    def before(self, connection, step):
        self.looks += 1
        self.now += self.look_s
        if self.looks > 3000:
            raise _Enough
        return step

    def call(self, answer, version, timeout):
        """("row", it), ("timeout", None) or ("endless", None), and the seconds that it took."""
        start, self.end, real = self.now, self.now + timeout + 0.5, time.sleep
        time.sleep = self.real_sleep
        try:
            got = "row", answer(self.client, ROW, version, timeout, clock=self.clock, sleep=self.sleep)
        except TimeoutError:
            got = "timeout", None
        except _Enough:
            got = "endless", None
        finally:
            time.sleep = real
        if self.slept:
            raise NotYet("own-clock", "paused by time.sleep.", "It pauses by the sleep that it is given.",
                         "So it can be tested without waiting.")  # fmt: skip
        return *got, self.now - start

    def real_sleep(self, seconds):
        self.slept = True
        raise _Enough


def _at(version, status="paid"):
    return lambda r: r.hset(ROW, mapping={"version": version, "status": status})


@lab.task(
    hints=[
        "A loop: look, compare, give up or pause. A look is one command that brings the whole row.",
        "The row comes as text. Which is greater, '9' or '10'?",
        "Ask the clock before the look. If the deadline had passed by then, this look was the last one.",
    ],
    limit=20,
)
def read_after(answer, bench):
    _returns_at_once(answer, bench)
    _waits(answer, bench)
    _gives_up_in_time(answer, bench)
    _looks_take_time(answer, bench)
    _needs_the_broker(lambda r: _blind(answer, r, _World(bench)), bench)
    tried = _replaced_meanwhile(answer, bench)
    return f"46 waits in fake time, {tried:d} with a row that is replaced"


def _blind(answer, r, world):
    world.end = world.now + 1
    try:
        return answer(r, ROW, 1, 0.1, clock=world.clock, sleep=world.sleep)
    except _Enough:
        return "nothing, and went on"


def _judge_row(row, version, when):
    if not isinstance(row, dict) or "status" not in row:
        raise NotYet("not-a-row", f"returned {row!r:.60} {when}.", "The row, as a dict.")
    if int(row.get("version", 0)) < version:
        raise NotYet("stale-answer", f"returned version {row.get('version')} {when}; wanted was version {version}.",
                     "A row that is at least as new, or a TimeoutError.",
                     "The customer sees the old state, and presses the button again.")  # fmt: skip


def _returns_at_once(answer, bench):
    for has, wants in ((2, 2), (2, 1), (10, 9), (100, 20), (3, 0)):
        bench.flush()
        _at(has)(bench.r)
        world = _World(bench)
        kind, row, _ = world.call(answer, wants, 1.0)
        if kind != "row":
            code = "text-versions" if str(has) < str(wants) else "exact-version" if has != wants else "gives-up-early"
            raise NotYet(code, f"did not return a row of version {has} for version {wants}.",
                         "It is at least as new.", "Somebody else may have written since, and ten is more than nine.")
        _judge_row(row, wants, f"for a row of version {has}")
        if world.pauses:
            raise NotYet("waits-for-nothing", f"paused {len(world.pauses)} times; the row was there.",
                         "It looks first.")  # fmt: skip
    bench.flush()
    _at(1)(bench.r)
    if (got := _World(bench).call(answer, 2, 0.2))[0] == "row":
        raise NotYet("stale-answer", f"returned {got[1]!r:.60} when version 2 was wanted and did not come.",
                     "TimeoutError.", "An old row without a word is what the token was to prevent.")  # fmt: skip
    _at(9)(bench.r)
    kind, row, _ = _World(bench).call(answer, 10, 0.2)
    if kind == "row":
        raise NotYet("text-versions", f"returned {row!r:.60} when version 10 was wanted.",
                     "TimeoutError: ten is more than nine.", "Redis returns text, and as text '9' > '10'.")


def _waits(answer, bench):
    for step in range(1, 33):
        bench.flush()
        if step % 2:
            _at(4)(bench.r)
        at = step * 0.03
        world = _World(bench, [(at / 2, _at(5)), (at, _at(6 + step % 3, "shipped"))])
        kind, row, took = world.call(answer, 6, 1.0)
        if kind == "endless":
            _endless(world)
        if kind == "timeout":
            raise NotYet("gives-up-early", f"raised TimeoutError after {took:.2f} s; the row came at {at:.2f} s, and "
                         "the time-out was 1 s.", "It waits for as long as it may.")  # fmt: skip
        _judge_row(row, 6, f"after {took:.2f} s")
        if took > at + 0.055:
            raise NotYet("late-looks", f"returned {took - at:.2f} s after the row was there.", "At most 50 ms later.",
                         "Who sleeps long keeps the customer waiting for nothing.")  # fmt: skip
        _judge_pauses(world, took)


def _endless(world):
    _judge_pauses(world, world.now - 100)
    raise NotYet("no-timeout", "still waited 0.5 s after the time-out, by clock().",
                 "It looks a last time, and raises TimeoutError.",
                 "The row may never come: the projector is down. Then every request hangs.")  # fmt: skip


def _judge_pauses(world, took):
    wrong = [s for s in world.pauses if s > 0.0501]
    if wrong:
        raise NotYet("long-pause", f"paused for {max(wrong):g} s.", "At most 50 ms.", "The row may come just after.")
    if world.looks > LOOKS_A_SECOND * max(took, 0.002) + 3:
        raise NotYet("busy", f"looked {world.looks} times in {took:.3f} s.", "A pause of 1 to 50 ms between two looks.",
                     "It keeps a broker busy that others want to use.")  # fmt: skip


def _gives_up_in_time(answer, bench):
    for timeout, has in ((0.0, 1), (0.0, None), (0.3, 1), (0.3, None)):
        bench.flush()
        if has:
            _at(has)(bench.r)
        world = _World(bench)
        kind, row, took = world.call(answer, 2, timeout)
        if kind == "row":
            raise NotYet("stale-answer", f"returned {row!r:.50} when the time-out of {timeout} s was over.",
                         "TimeoutError.")  # fmt: skip
        if kind == "endless":
            _endless(world)
        if took < timeout - 1e-6:
            raise NotYet("gives-up-early", f"raised TimeoutError after {took:.3f} s of {timeout} s.",
                         "It waits as long.")  # fmt: skip
        if took > timeout + 0.0501:
            raise NotYet("gives-up-late", f"raised TimeoutError {took - timeout:.2f} s too late.",
                         "At most 50 ms late.")  # fmt: skip
        if not world.looks:
            raise NotYet("no-look", "did not look at all with a time-out of 0.", "It looks once.",
                         "The row may be there: nearly always it is.")  # fmt: skip
        _judge_pauses(world, took)
    bench.flush()
    world = _World(bench, [(0.05 * n, _at(n)) for n in range(1, 19)])
    kind, _, took = world.call(answer, 20, 0.3)
    if kind == "endless" or took > 0.3 + 0.0501:
        raise NotYet("restarts-the-clock", f"still waited {took - 0.3:.2f} s after the time-out, while older versions "
                     "of the row came.", "The time-out runs from the call on, whatever comes meanwhile.",
                     "The caller has promised an answer to somebody else.")  # fmt: skip
    for after in (0.2999, 0.299, 0.2951):  # during the last pause
        bench.flush()
        world = _World(bench, [(after, _at(2))])
        kind, row, took = world.call(answer, 2, 0.3)
        if kind != "row":
            raise NotYet("no-last-look", f"raised TimeoutError after {took:.3f} s; the row came at {after:g} s.",
                         "It looks a last time when the time-out is over.",
                         "During the last pause the row may come.")  # fmt: skip


def _looks_take_time(answer, bench):
    bench.flush()
    kind, _, took = _World(bench, look_s=0.02).call(answer, 2, 0.5)
    if kind == "endless" or took > 0.5 + 0.0501 + 2 * 0.02:
        raise NotYet("counts-pauses", f"still waited {took - 0.5:.2f} s after the time-out of 0.5 s, when each look "
                     "took 20 ms.", "The time-out is over when clock() says so.",
                     "The pauses are not all: a broker that is busy answers late.")  # fmt: skip


def _replaced_meanwhile(answer, bench):
    def replace(r):
        with r.pipeline() as p:
            p.delete(ROW)
            p.hset(ROW, mapping={"version": 3, "status": "placed", "customer": "ann"})
            p.execute()

    def call(r):
        try:
            return answer(r, ROW, 5, 0.03, clock=world.clock, sleep=pause)
        except TimeoutError:
            return None

    def pause(seconds):
        world.now += max(0.0, seconds)

    def prepare(r):
        world.now = 100.0
        r.hset(ROW, mapping={"version": 5, "status": "paid"})

    def verify(r, results):
        row = values(results)[0]
        if row is not None and int(row.get("version", 0)) < 5:
            raise NotYet("torn-read", f"returned version {row.get('version', 'none')}: the row was replaced by an "
                         "older one between two of its commands.", "Version 5 or newer, or TimeoutError.",
                         "What it compared is not what it returned.")  # fmt: skip

    world = _World(bench)
    return interleave(bench, prepare, [call, replace], verify, limit=60)


# ---------------------------------------------------------------- task 3

STREAM, NAME = "kiosk:sales", "kiosk:spent"
SHADOW = f"{NAME}:next"
FETCHES = ("XRANGE", "XREAD", "XREADGROUP")
LIVE = """
local at = redis.call('HGET', KEYS[2], 'checkpoint') or '0-0'
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. at, '+', 'COUNT', 100)) do
    redis.call('HINCRBY', KEYS[2], entry[2][2], entry[2][4])
    redis.call('HSET', KEYS[2], 'checkpoint', entry[1])
end
"""


def _sale(n):
    return {"customer": f"c{n * 7 % 5}", "total": n * 37 % 90 + 1}


def _id(n):
    """Ids of which neither the first part nor their text tells which is greater."""
    return f"{999_999_999_990 + n // 8}-{n % 8 + 6}"


def _running_sums(n):
    sums, found = Counter(), [{}]
    for sale in map(_sale, range(n)):
        sums[sale["customer"]] += sale["total"]
        found.append(dict(sums))
    return found


SUMS, PLACES = _running_sums(700), {_id(n): n for n in range(700)}  # SUMS[n]: of the first n sales


def _sell(r, n):
    r.xadd(STREAM, _sale(n), id=_id(n))


def _shop(r, sales, shown=None):
    """A stream with `sales`, and the faulty view of the first `shown` of them (default: all)."""
    with r.pipeline(transaction=False) as p:
        for n in range(sales):
            _sell(p, n)
        _faulty_view(p, sales, shown or sales)
        p.execute()


def _faulty_view(r, sales, shown):
    faulty = {customer: total + 2 * SUMS[sales][customer] for customer, total in SUMS[shown].items()}
    r.hset(NAME, mapping={**faulty, "checkpoint": _id(shown - 1)})


class _Readers:
    """What readers see of `NAME`: judges each view, `last` is the checkpoint that was seen before."""

    def __init__(self, r, sales):
        self.r, self.sales, self.last = r, sales, -1

    def look(self):
        """The name and words of what is wrong with the view now, or None."""
        view = self.r.hgetall(NAME)
        at = view.pop("checkpoint", None)
        if not view:
            return "gone", "there is no view", "the old view, or the new one"
        if at is None:
            return "no-checkpoint", "the view has no checkpoint", "the id of the last sale in it"
        if at not in PLACES:
            return "no-checkpoint", f"its checkpoint is {at!r:.40}", "the id of the last sale in it"
        place = PLACES[at]
        if place < self.last:
            return "goes-back", f"its checkpoint is {self.last - place} sales behind what readers saw", "never older"
        got, new = {customer: int(total) for customer, total in view.items()}, SUMS[place + 1]
        old = {customer: total + 2 * SUMS[self.sales][customer] for customer, total in new.items()}
        if got not in (new, old):
            return "half-a-view", f"its sums are not those of the sales up to its checkpoint: {got}", f"{new}"
        self.last = place
        return None

    def judge(self, when):
        found = self.look()
        if found:
            raise _seen(*found, when)

    def finished(self, sales, when):
        """Raise unless the view is complete, and new."""
        self.judge(when)
        got = {k: int(v) for k, v in self.r.hgetall(NAME).items() if k != "checkpoint"}
        if got != SUMS[sales]:
            raise NotYet("not-rebuilt", f"left the view {got} {when}.", f"{SUMS[sales]}: the exact sums.",
                         "The faulty view was to be replaced.")  # fmt: skip
        if self.r.exists(SHADOW):
            raise NotYet("leaves-the-next", f"left {SHADOW} behind {when}.", "It is gone.",
                         "The next rebuild would take it for work that was begun.")  # fmt: skip


WHY = {
    "gone": "A page without any orders frightens people more than one that is a second old.",
    "no-checkpoint": "Without it, the live projector starts over, and adds everything again.",
    "goes-back": "A customer saw his order, and then he does not. It was in the old view only.",
    "half-a-view": "A reader cannot tell half a view from a whole one.",
}


def _seen(code, what, wanted, when):
    return NotYet(code, f"let a reader of {NAME} see this {when}: {what}.", f"{wanted}.", WHY[code])


class _Watched(Hook):
    """After each command of the rebuild a reader looks; after those in `busy` a sale comes in and is projected.

    The process is killed at command number `kill_at`, or when it fetches sales for the `kill_at_fetch`-th time.
    """

    def __init__(self, bench, readers, busy=(), kill_at=None, kill_at_fetch=None):
        self.bench, self.readers, self.busy, self.kill_at = bench, readers, busy, kill_at
        self.kill_at_fetch, self.fetches, self.grouped = kill_at_fetch, 0, False
        self.found, self.sold, self.steps, self.trace = None, readers.sales, 0, Trace()
        self.client = traced_client(bench.broker.url, self, socket_timeout=None)

    def before(self, connection, step):
        self.steps += 1
        self.fetches += step.name in FETCHES
        self.grouped = self.grouped or step.name == "XREADGROUP"
        if self.steps == self.kill_at or (step.name in FETCHES and self.fetches == self.kill_at_fetch):
            os.kill(os.getpid(), signal.SIGKILL)
        if self.steps > 1000:
            raise _Enough
        return step

    def after(self, connection, step, reply):
        self.trace.add("your code", step, reply)
        if self.found:
            return
        r = self.bench.r
        if isinstance(reply, list) and step.name in FETCHES and len(str(reply)) > 100 * 90:
            self.found = NotYet("too-much-at-once", f"fetched far more than 100 sales by one command: {step}."[:150],
                                "At most 100 at a time.", "All others wait until the broker has sent them.")
        found = self.readers.look()
        if found:
            self.found = _seen(*found, f"after its command number {self.steps}")
            return
        if self.steps in self.busy:
            _sell(r, self.sold)
            self.sold += 1
            r.eval(LIVE, 2, STREAM, NAME)
            self.readers.look()

    def run(self, answer):
        try:
            answer(self.client, STREAM, NAME)
        except _Enough:
            raise NotYet("no-progress", "sent more than 1,000 commands for a few hundred sales.",
                         "It comes to its end.") from None  # fmt: skip
        finally:
            if self.found:
                self.found.trace = self.trace if len(self.trace) < 40 else None
                raise self.found from None


@lab.task(
    hints=[
        "A round: read the checkpoint of the new view, fetch the sales behind it; add them and set the checkpoint, in "
        "one step, if the checkpoint is still the one that you read. When there is nothing to fetch: swap.",
        "RENAME puts the new view, with the checkpoint in it, in the place of the old one, in one step.",
        "Between your last look at the stream and the swap a sale may come. So look once more in the same step as the "
        "RENAME, and if there is something, go on with another round.",
        "Ids are two numbers. Better than to compare two of them: ask the stream what is behind one.",
    ],
    limit=30,
)
def rebuild(answer, bench):
    for sales in (1, 3, 250):
        bench.flush()
        _shop(bench.r, sales)
        readers = _Readers(bench.r, sales)
        _Watched(bench, readers).run(answer)
        readers.finished(sales, f"after a rebuild from {sales} sales")
        _must_not_expire(bench.r, "RENAME keeps a lifetime as well. When it ends, there is no view.")
    _projector_is_down(answer, bench)
    _once_more(answer, bench)
    _while_busy(answer, bench)
    _needs_the_broker(lambda r: answer(r, STREAM, NAME), bench)
    crashes, losses = _rebuild_crashes(answer, bench)
    kills = _killed_for_real(answer, bench)
    tried = _two_rebuilds(answer, bench)
    return f"{crashes}, {losses}, {kills} real kills, {tried:d} orders of two rebuilds"


def _projector_is_down(answer, bench):
    """The old view is behind, and stays behind."""
    bench.flush()
    _shop(bench.r, 150, 100)
    readers = _Readers(bench.r, 150)
    try:
        _Watched(bench, readers).run(answer)
    except NotYet as found:
        if found.code != "no-progress":
            raise
        raise NotYet("waits-for-the-old", "did not come to an end: the old view is 50 sales behind, and its projector "
                     "is down.", "The new view replaces it, as soon as it is complete.",
                     "A new view that is ahead of the old one is welcome.") from None  # fmt: skip
    readers.finished(150, "when the old view was 50 sales behind")


def _once_more(answer, bench):
    """The view that was rebuilt is faulty again, and rebuilt again, from the same stream."""
    bench.flush()
    _shop(bench.r, 150)
    answer(bench.r, STREAM, NAME)
    bench.r.delete(NAME)
    _faulty_view(bench.r, 150, 150)
    watched = _Watched(bench, _Readers(bench.r, 150))
    try:
        watched.run(answer)
        watched.readers.finished(150, "when it was rebuilt once more, a day later")
    except NotYet as found:
        if watched.grouped:
            raise NotYet("shared-group", f"{found.did} It reads through a consumer group that had these sales before.",
                         found.should, "A group hands out each sale once. What one reader of the group has had, the "
                         "next one does not get.") from None  # fmt: skip
        raise NotYet("once-only", f"{found.did} Before, a first rebuild had come to its end.", found.should,
                     "What a rebuild leaves behind must not stop the next one.") from None  # fmt: skip


def _while_busy(answer, bench):
    """A sale in every gap between two commands that there is, and in many gaps; the ids end in -9 and then -10."""
    for busy in (*([n] for n in range(1, 15)), range(41)):
        bench.flush()
        _shop(bench.r, 148)
        readers = _Readers(bench.r, 148)
        watched = _Watched(bench, readers, busy)
        watched.run(answer)
        bench.r.eval(LIVE, 2, STREAM, NAME)
        readers.finished(watched.sold, f"while {len(busy)} sales came in, between your commands")


def _rebuild_crashes(answer, bench):
    def prepare(r):
        _shop(r, 130)

    def call(r):
        answer(r, STREAM, NAME)

    def verify(r, result):
        if isinstance(result, Exception) and not isinstance(result, redis.RedisError):
            raise result
        if isinstance(result, redis.RedisError):
            call(r)
        try:
            _Readers(r, 130).finished(130, "after it was run again")
        except NotYet as found:
            raise NotYet("half-done", f"{found.did} Before, it died, or lost a reply.", found.should,
                         "Adding, and the note how far one is, are one step; or the next process adds it again, or "
                         "leaves it out.") from None  # fmt: skip

    return crash_sweep(bench, prepare, call, call, verify), lost_reply_sweep(bench, prepare, call, verify)


def _killed_for_real(answer, bench):
    """SIGKILL at different commands; the next one has to go on from where the first one was."""
    kills = 0
    for at in ({"kill_at": 4}, {"kill_at": 6}, {"kill_at": 8}, {"kill_at_fetch": 4}):
        bench.flush()
        _shop(bench.r, 450)
        first = _Watched(bench, _Readers(bench.r, 450), **at)
        killed = in_a_process(lambda first=first: answer(first.client, STREAM, NAME))
        kills += killed
        reached = bench.r.hget(SHADOW, "checkpoint")
        if killed and "kill_at_fetch" in at and reached is None:
            raise NotYet("keeps-nothing", f"was killed when it fetched for the fourth time, and {SHADOW} had no "
                         "checkpoint.", "What was fetched before is in there.",
                         "What is only in memory, or where the next run does not look, is lost.")  # fmt: skip
        second = _Resumed(bench, reached)
        answer(second.client, STREAM, NAME)
        if second.started_over:
            raise NotYet("starts-over", "was killed when a part was built, and the next run threw that away.",
                         f"It goes on behind the checkpoint in {SHADOW}.",
                         "A rebuild of two hours, on machines that restart every hour, never ends.")  # fmt: skip
        _Readers(bench.r, 450).finished(450, "after a SIGKILL and another run")
    return kills


class _Resumed(Hook):
    """Notes whether a shadow that was at `reached` is ever further back, before the swap."""

    def __init__(self, bench, reached):
        self.r, self.started_over = bench.r, False
        self.reached = PLACES.get(reached, -1)
        self.client = traced_client(bench.broker.url, self, socket_timeout=None)

    def after(self, connection, step, reply):
        at, live = self.r.hget(SHADOW, "checkpoint"), self.r.hgetall(NAME)
        live.pop("checkpoint", None)
        swapped = at is None and {k: int(v) for k, v in live.items()} == SUMS[450]
        if not swapped and PLACES.get(at, -1) < self.reached:
            self.started_over = True


class _Second(Hook):
    """A second rebuild beside the first: it does `most` commands after the first one's `at`-th, and dies."""

    def __init__(self, bench, answer, at, most):
        self.bench, self.answer, self.at, self.left, self.steps = bench, answer, at, most, 0
        self.readers, self.found, self.trace, self.second = _Readers(bench.r, 3), None, Trace(), False
        self.client, self.other = (traced_client(bench.broker.url, self, socket_timeout=None) for _ in "ab")

    def before(self, connection, step):
        if self.second and self.left == 0:
            raise SimulatedCrash
        return step

    def after(self, connection, step, reply):
        self.trace.add("the second" if self.second else "the first", step, reply)
        self.found = self.found or self.readers.look()
        if self.second:
            self.left -= 1
            return
        self.steps += 1
        if self.steps == self.at:
            self.second = True
            with suppress(SimulatedCrash, redis.RedisError):
                self.answer(self.other, STREAM, NAME)
            self.second = False


def _two_rebuilds(answer, bench):
    why = "Both read the same checkpoint, and both added what is behind it; or one worked on what the other had moved."
    for at, most in itertools.product(range(1, 6), range(1, 6)):
        bench.flush()
        _shop(bench.r, 3)
        pair = _Second(bench, answer, at, most)
        for _ in range(20):
            try:
                answer(pair.client, STREAM, NAME)
            except redis.WatchError:
                continue  # it says that it did not happen, and is run again
            break
        if pair.found:
            raise NotYet("two-rebuilds", f"let a reader see this, when two rebuilds ran and one of them died: "
                         f"{pair.found[1]}.", f"{pair.found[2]}.", why, pair.trace)  # fmt: skip
        answer(bench.r, STREAM, NAME)  # goes on from where the dead one was, if it was anywhere
        pair.readers.finished(3, "after two rebuilds, of which one died, and another run")

    def verify(r, results):
        for result in results:
            if isinstance(result, redis.WatchError):
                answer(r, STREAM, NAME)
            elif isinstance(result, BaseException):
                raise result
        _Readers(r, 3).finished(3, "after two rebuilds at the same time")

    def call(r):
        answer(r, STREAM, NAME)

    return 25 + interleave(bench, lambda r: _shop(r, 3), [call, call], verify, limit=60)


# ---------------------------------------------------------------- task 4

NOW = 1_000_000_050_000


def _waiting(ages, seen=0, same_ms=False):
    """A stream of `seen` projected sales and then some of these ages; the checkpoint between them."""
    ids = [f"{NOW - 900_000 + n}-0" for n in range(seen)]
    for n, age in enumerate(sorted(ages, reverse=True)):
        ids.append(f"{NOW - age}-{n if same_ms else 0}")
    return ids, ids[seen - 1] if seen else None


def _percentile(ages):
    return (sorted(ages)[math.ceil(0.95 * len(ages) - 1e-9) - 1], max(ages)) if ages else (0, 0)


@lab.task(
    hints=[
        "What waits is what the stream has behind the checkpoint, the checkpoint itself excluded. XRANGE can do this.",
        "Sort the ages. Of n, how many have to be at or below the percentile? Round up. The last of those is it.",
    ]
)
def staleness(answer, bench):
    rng, cases = bench.rng, [((), 3), ((), 0), ((10, 20, 400), 0), ((500,), 4), (tuple(range(1, 101)), 2)]
    cases += [(tuple(rng.sample(range(1, 90_000), n)), rng.choice([0, 1, 5])) for n in (2, 19, 20, 21, 40, 99, 150)]
    cases += [(tuple(rng.sample(range(1, 90_000), 2500)), 3)]
    for ages, seen in cases:
        _ask_staleness(answer, bench, _waiting(ages, seen), _percentile(ages), f"{len(ages)} sales wait", seen)
    ages = (900, 800, 700, *range(-37, 0))
    _ask_staleness(answer, bench, _waiting(ages), (700, 900), "40 sales wait, 37 of them of a clock that is ahead", 0)
    ids = [f"{NOW - 700}-{n}" for n in range(4)]  # all in one millisecond, the second is the checkpoint
    _ask_staleness(answer, bench, (ids, ids[1]), (700, 700), "two sales wait, of the same millisecond as the last one "
                   "projected", 2)  # fmt: skip
    ids = [f"{NOW - 700}-{n}" for n in (9, 10)]
    _ask_staleness(answer, bench, (ids, ids[1]), (0, 0), "nothing waits", 2)
    ids = [f"{NOW + 300}-0", f"{NOW + 400}-0"]
    _ask_staleness(answer, bench, (ids, None), (0, 0), "two sales wait, of a clock that is ahead", 0)
    ids = ["999999999990-0", f"{NOW - 40}-0"]  # the second is longer, and as text the smaller one
    _ask_staleness(answer, bench, (ids, ids[0]), (40, 40), "one sale waits", 1)
    bench.flush()
    _needs_the_broker(lambda r: answer(r, STREAM, NAME, NOW), bench)
    return f"{len(cases) + 5} streams"


def _ask_staleness(answer, bench, given, want, what, seen):
    (ids, checkpoint), r = given, bench.r
    bench.flush()
    with r.pipeline(transaction=False) as p:
        for id in ids:
            p.xadd(STREAM, {"customer": "ann", "total": 1}, id=id)
        p.execute()
    if checkpoint:
        r.hset(NAME, mapping={"ann": seen, "checkpoint": checkpoint})
    got = answer(r, STREAM, NAME, NOW)
    if not isinstance(got, (tuple, list)) or len(got) != 2 or not all(isinstance(x, numbers.Real) for x in got):
        raise NotYet("not-two-numbers", f"returned {got!r:.60}.", "(95th percentile, maximum), in milliseconds.")
    if tuple(got) == want:
        return
    said = f"answered {tuple(got)}: {what}" + (f", {seen} are projected." if seen else ", none is projected.")
    if want == (0, 0) and got[1] < 0:
        raise NotYet("negative", said, "(0, 0)", "An age below 0 is a clock that is wrong, not a view that is ahead.")
    if want == (0, 0) and got[1] > 0:
        raise NotYet("idle-is-stale", said, "(0, 0)", "Nothing is missing in the view, however old its newest sale is. "
                     "An alarm on this would ring every night.")  # fmt: skip
    if got[1] == want[1]:
        raise NotYet("wrong-percentile", said, f"{want}", "The smallest age that 95 % do not exceed.")
    raise NotYet("wrong-maximum", said, f"{want}", "What waits is all that is in the stream behind the checkpoint.")


# ---------------------------------------------------------------- stretch

TEXTS, INDEX = "kiosk:texts", "kiosk:index"
BRING_IN = """
local at = redis.call('GET', KEYS[2] .. ':checkpoint') or '0-0'
local entry = redis.call('XRANGE', KEYS[1], '(' .. at, '+', 'COUNT', 1)[1]
if not entry then return end
for word in string.gmatch(string.lower(entry[2][4]), '%S+') do
    redis.call('SADD', KEYS[2] .. ':' .. word, entry[2][2])
end
redis.call('SET', KEYS[2] .. ':checkpoint', entry[1])
"""
ENTRIES = [("o1", "Blue mug", 5000), ("o2", "red MUG with mugshot", 900), ("o3", "mugs", 800), ("o4", "lamp", 700),
           ("o5", "big mug", 20)]  # fmt: skip


def _library(r, projected):
    r.flushall()
    for order, text, age in ENTRIES:
        r.xadd(TEXTS, {"order": order, "text": text}, id=f"{NOW - age}-0")
    for _ in range(projected):
        r.eval(BRING_IN, 2, TEXTS, INDEX)


@lab.task(
    hints=[
        "What waits is read once, as in task 4, and its first entry is the oldest.",
        "An entry goes from what waits into the index, never back. Which of the two has to be read first, so that "
        "none can slip through between?",
    ]
)
def find_orders(answer, bench):
    has = {"mug": {"o1", "o2", "o5"}, "lamp": {"o4"}, "mugs": {"o3"}, "cup": set()}
    cases = 0
    for word, slo, projected in itertools.product(has, (0, 19, 20, 500, 700, 899, 900, 10_000), range(6)):
        _library(bench.r, projected)
        waits = [age for _, _, age in ENTRIES[projected:]]
        known = {order for order, _, _ in ENTRIES[:projected]}
        fine = not waits or waits[0] <= slo
        want = (has[word] & known, "index") if fine else (has[word], "complete")
        got = answer(bench.r, TEXTS, INDEX, word, NOW, slo)
        _judge_found(got, want, f"{word!r} with slo_ms={slo}, {projected} of {len(ENTRIES)} entries in the index, "
                     f"the oldest of the others {waits[0] if waits else 0} ms old")  # fmt: skip
        cases += 1

    _finds_in_a_long_tail(answer, bench)

    def verify(r, results):
        got = values(results)[0]
        if set(got[0]) != has["mug"]:  # all of them are older than the promise
            raise NotYet("slips-through", f"found {sorted(got[0])} ({got[1]}) while the projector worked.",
                         f"{sorted(has['mug'])}", "An entry went from what waits into the index between two looks.")

    callers = [lambda r: answer(r, TEXTS, INDEX, "mug", NOW, 10),
               lambda r: [r.eval(BRING_IN, 2, TEXTS, INDEX) for _ in "xxxx"]]
    tried = interleave(bench, lambda r: _library(r, 1), callers, verify, limit=300)
    _needs_the_broker(lambda r: answer(r, TEXTS, INDEX, "mug", NOW, 10), bench)
    return f"{cases} searches, {tried:d} beside the projector"


def _finds_in_a_long_tail(answer, bench):
    bench.flush()
    with bench.r.pipeline(transaction=False) as p:
        for n in range(2500):
            p.xadd(TEXTS, {"order": f"o{n}", "text": "red mug"}, id=f"{NOW - 9000 + n}-0")
        p.execute()
    got = answer(bench.r, TEXTS, INDEX, "mug", NOW, 10)
    if len(set(got[0])) != 2500:
        raise NotYet("first-page", f"found {len(set(got[0]))} orders, when 2,500 entries with the word waited.",
                     "All 2,500.", "Where much waits, it is not all on one page.")


def _judge_found(got, want, when):
    if not isinstance(got, (tuple, list)) or len(got) != 2 or not isinstance(got[0], (set, frozenset, list, tuple)):
        raise NotYet("not-an-answer", f"returned {got!r:.60}.", "(set of order ids, how)")
    if got[1] != want[1]:
        raise NotYet("wrong-promise", f"answered {got[1]!r:.20} for {when}.", f"{want[1]!r}",
                     "The promise is about the oldest entry that waits.")  # fmt: skip
    if set(got[0]) != want[0]:
        raise NotYet("wrong-orders", f"found {sorted(got[0])} for {when}.", f"{sorted(want[0])}",
                     "In the index, and if the promise is broken in all that waits. A word is a whole word.")
