"""Checks of lab 03: a put that pushes back, a worker that may die, Erlang's formula, and an orderly exit."""

from __future__ import annotations

import math
import os
import signal
import time
from contextlib import contextmanager, suppress

from mqlab import theory
from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.outcomes import number
from mqlab.checks.sweeps import SimulatedCrash, crash_sweep, interleave, race, values
from mqlab.checks.traced import Hook, traced_client

lab = Lab("03-producer-consumer")
Q = "kiosk:mails:q"
MINE = "kiosk:mails:mine"
START = 50_000.0  # the check's clock begins here: neither the time of day nor of this machine
SLACK = 0.05  # seconds: what the contract allows, for noticing room and for giving up


class _Enough(BaseException):
    """Ends a call that would not end by itself. Not an Exception, so that the learner's `except` lets it pass."""


class _Time:
    """Time that passes by `sleep`, with things that happen at certain moments: [(time, function)]."""

    def __init__(self, happenings=()):
        self.t = START
        self.asked = self.slept = 0
        self._idle = 0  # questions since the last sleep
        self._happenings = sorted((self.t + at, do) for at, do in happenings)
        self._began = time.monotonic()
        self.ended_by = None
        self.at_a_question = lambda: None  # called before the clock answers

    @property
    def real(self) -> float:
        """Real seconds since it was made."""
        return time.monotonic() - self._began

    def now(self) -> float:
        self.asked += 1
        self._idle += 1
        self.at_a_question()
        if self._idle > 300:
            self._end("busy")
        if self.slept == 0 and self.real > 3:  # it waits for real; but a stall of the machine is no fault of its own
            self._end("real-time")
        return self.t

    def sleep(self, seconds: float) -> None:
        time.sleep(0 * seconds)  # the same errors as time.sleep
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.slept += 1
        self._idle = 0 if seconds else self._idle
        end = self.t + seconds
        while self._happenings and self._happenings[0][0] <= end:
            self.t, do = self._happenings.pop(0)
            do()
        self.t = end
        if self.t > START + 30 or self.slept > 5000:
            self._end("never")

    def _end(self, why: str):
        self.ended_by = why
        raise _Enough

    @contextmanager
    def used_within(self, seconds: float):
        """Ends a call that has used neither this clock nor this sleep after so many real seconds."""

        def look(*_):
            if not self.asked and not self.slept:
                self._end("real-time")

        before = signal.signal(signal.SIGALRM, look)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


class _Counting(Hook):
    """How many steps a client has taken."""

    steps = 0

    def after(self, connection, step, reply):
        self.steps += 1


# ---------------------------------------------------------------- task 1


@lab.task(
    hints=[
        "Counting and pushing are two commands; others come between. A Lua script, or WATCH and MULTI, makes them one.",
        "Try, ask the clock, sleep a little. In which order, so that one more try follows when the deadline has come?",
        "Never sleep beyond the deadline: min(0.02, deadline - clock()). Then the last try comes just at the deadline.",
    ],
    limit=20,
)
def put(answer, bench):
    _stores_at_once(answer, bench)
    _keeps_the_deadline(answer, bench)
    _notices_room(answer, bench)
    tried = _holds_the_bound(answer, bench)
    bench.flush()
    results = values(race(bench, 12, lambda i, r: _try_once(answer, r, 5, f"m{i}")))
    if results.count(True) != 5 or bench.r.llen(Q) != 5:
        raise NotYet(
            "check-then-act",
            f"returned True to {results.count(True)} of 12 callers that came at once; {bench.r.llen(Q)} messages wait.",
            "With max_len=5 exactly 5 get True and 5 messages wait.",
            "All may look before any has pushed.",
        )
    _looks_last(answer, bench)
    return f"{tried}, 12 callers at once, 8 deadlines"


def _call(answer, r, clock, *, max_len, wait, item="new"):
    """(result, seconds it took on its clock); result None when it had to be stopped."""
    begin = clock.t
    try:
        got = answer(r, Q, item, max_len=max_len, deadline=begin + wait, clock=clock.now, sleep=clock.sleep)
    except _Enough:
        if clock.asked == 0 and clock.slept == 0:
            raise _other_clock("never asked the clock it was given, and never came to an end.") from None
        if clock.ended_by in ("busy", "real-time") and clock.slept == 0:
            raise NotYet(
                "busy-loop",
                "asked again and again without calling the `sleep` it was given.",
                "Between two tries it calls sleep(seconds).",
                "A loop without a pause keeps a whole processor and the broker busy, for nothing.",
            ) from None
        if clock.asked == 0 or clock.ended_by == "real-time":
            raise _other_clock("never came to an end: its deadline did not come.") from None
        return None, clock.t - begin
    if got is not True and got is not False:
        raise NotYet("not-a-bool", f"returned {got!r:.40}.", "It returns True or False.")
    return got, clock.t - begin


def _other_clock(did):
    return NotYet(
        "other-clock",
        did,
        "The time is what clock() says, and waiting is what sleep() does.",
        "A deadline on one clock means nothing on another. And the wall clock jumps when it is set.",
    )


def _try_once(answer, r, max_len, item="new"):
    return _call(answer, r, _Time(), max_len=max_len, wait=-1, item=item)[0]


def _stores_at_once(answer, bench):
    r, clock = bench.r, _Time()
    r.rpush(Q, "old")
    got, took = _call(answer, r, clock, max_len=2, wait=1)
    if got is False and r.llen(Q) == 1:
        if clock.asked == 0:
            raise _other_clock("returned False although there was room and time.")
        raise NotYet("refuses-though-room", "returned False; one message is in q, max_len=2.", "True: there is room.")
    if r.lrange(Q, 0, -1) == ["new", "old"]:
        raise NotYet(
            "wrong-end",
            "put the new message in front of the old one.",
            "New messages go to the tail.",
            "Mailers take from the head: the oldest mail would wait longest.",
        )
    if r.lrange(Q, 0, -1) != ["old", "new"]:
        raise NotYet(
            "not-stored",
            f"returned {got}; q holds {r.lrange(Q, 0, -1)!r:.60}.",
            "q holds the old message, then the new one.",
        )
    if took > 0:
        raise NotYet("waits-for-nothing", f"slept {took:.2f} s although there was room.", "It returns at once.")
    bench.flush()
    if _try_once(answer, r, 2) is not True or r.llen(Q) != 1:
        raise NotYet(
            "does-not-try",
            "returned False although there was room: the deadline had passed when it was called.",
            "It looks once, whatever the time.",
            "A caller with a deadline of 'now' asks for one attempt without waiting, not for none.",
        )


def _keeps_the_deadline(answer, bench):
    for wait in (1.0, 0.33, 0.0):
        bench.flush()
        r, clock = bench.r, _Time()
        r.rpush(Q, "a", "b")
        with clock.used_within(2):
            got, took = _call(answer, r, clock, max_len=2, wait=wait)
        now = r.lrange(Q, 0, -1)
        if got and "new" not in now:
            raise NotYet(
                "hides-the-backlog",
                "returned True, but the message is not in q: two messages were in it, with max_len=2.",
                "True means: the broker has it.",
                "A list of your own is a queue without a bound that nobody watches, and it dies with the process.",
            )
        if len(now) > 2:
            raise NotYet(
                "no-bound",
                f"put a third message into q with max_len=2 (returned {got}).",
                "q never holds more than max_len messages.",
                "Without a bound a slow consumer fills the broker's memory.",
            )
        if now != ["a", "b"]:
            raise NotYet(
                "drops-others",
                f"made room by itself: q held a and b, now {now!r:.40}.",
                "It waits for room. What is in q has been promised to somebody.",
            )
        if got is False and took < wait:
            if clock.asked == 0 or (clock.slept == 0 and clock.real > 0.8 * wait):
                raise _other_clock(f"gave up after {took:.2f} s by the clock it was given: it has another one.")
            raise NotYet(
                "gives-up-early",
                f"returned False after {took:.2f} s; the deadline was in {wait} s.",
                "It waits until the deadline.",
                "The caller allowed for that time because the queue is full only for a moment, most of the time.",
            )
        if got is None or took > wait + SLACK:
            raise NotYet(
                "gives-up-late",
                f"was still waiting {took:.2f} s after the call; the deadline was in {wait} s.",
                f"It returns False at the deadline, at most {1000 * SLACK:.0f} ms later.",
                "Behind the caller somebody else waits who has a deadline, too.",
            )


def _notices_room(answer, bench):
    for wait, free in ((1.0, 0.3), (2.0, 1.41), (0.5, 0.499), (0.123, 0.1229)):
        bench.flush()
        r = bench.r
        clock = _Time([(free, lambda: bench.r.lpop(Q))])
        r.rpush(Q, "a", "b")
        got, took = _call(answer, r, clock, max_len=2, wait=wait)
        if got is False and wait - free < 0.01:
            raise NotYet(
                "no-last-look",
                f"returned False although a place was free {1000 * (wait - free):.1f} ms before the deadline.",
                "Room that there is at the deadline is used.",
                "Whoever sleeps and then looks only at the clock has slept in vain. Look at the queue once more.",
            )
        if not got or took > free + SLACK:
            raise NotYet(
                "slow-to-notice",
                f"came to an end {1000 * (took - free):.0f} ms after a place was free, and returned {got}.",
                f"It notices room within {1000 * SLACK:.0f} ms.",
                "While it sleeps, the place stays empty, and the mailers may run dry.",
            )
        if clock.slept > 1000 * max(took, 0.01) + 1:
            raise NotYet(
                "asks-too-often",
                f"asked the broker {clock.slept} times in {took:.2f} s.",
                "At most 1,000 times a second.",
                "A thousand impatient producers load the broker more than the mails do.",
            )


def _looks_last(answer, bench):
    """Room comes after a look; then the process is held up until after the deadline, and asks for the time."""
    bench.flush()
    bench.r.rpush(Q, "a", "b")
    clock, looks = _Time(), _Counting()

    def held_up():
        if looks.steps:
            clock.at_a_question = lambda: None
            bench.r.lpop(Q)
            clock.t += 0.3

    clock.at_a_question = held_up
    with traced_client(bench.broker.url, looks) as r:
        got, _ = _call(answer, r, clock, max_len=2, wait=0.25)
    if not got:
        raise NotYet(
            "clock-after-the-look",
            "returned False although room had come before the deadline: it looked, was held up, asked for the time.",
            "The last look comes at the deadline or after it.",
            "Between a look and a question for the time, a busy machine can stop a process. Meanwhile room may come.",
        )


def _holds_the_bound(answer, bench):
    def attempt(bound):
        return lambda r: _try_once(answer, r, bound)

    def one_place(r, results):
        if sorted(values(results)) != [False, True] or r.llen(Q) != 1:
            raise NotYet(
                "check-then-act",
                f"returned {results[0]} and {results[1]} to two callers when one place was free; {r.llen(Q)} wait.",
                "One gets True, the other False, and 1 waits.",
                "Between a look and the act on it, somebody else can act. The broker must do both in one step.",
            )

    def two_places(r, results):
        if values(results) != [True, True]:
            raise NotYet(
                "refuses-though-room",
                f"returned {results[0]} and {results[1]} to two callers when two places were free.",
                "Both get True.",
                "That another caller was quicker is no reason to turn this one away: look again.",
            )

    def never_above(r, results):
        if values(results)[1] > 1:
            raise NotYet(
                "overshoots-then-undoes",
                f"let {results[1]} messages wait for a moment, with max_len=1.",
                "There are never more than max_len, not even for a moment.",
                "A mailer may take the surplus message before it is taken back; then the False was a lie.",
            )

    tried = interleave(bench, lambda r: None, [attempt(1), attempt(1)], one_place)
    tried += interleave(bench, lambda r: None, [attempt(2), attempt(2)], two_places)
    tried += interleave(bench, lambda r: r.rpush(Q, "a"), [attempt(1), lambda r: r.llen(Q)], never_above)
    return f"{tried} interleavings"


# ---------------------------------------------------------------- task 2


class _Mortal(Hook):
    """A client's process: once `dead`, no command leaves it any more."""

    dead = False

    def before(self, connection, step):
        if self.dead:
            raise SimulatedCrash("the process was killed")
        return step


def _die_with(answer, bench, wid):
    """Worker `wid` takes a message and dies in the handler. Returns the message, or None if there was none."""
    process, seen = _Mortal(), []
    with traced_client(bench.broker.url, process) as r:

        def handler(message):
            seen.append(message)
            process.dead = True
            raise SimulatedCrash("the process was killed")

        try:
            answer(r, Q, wid).step(handler)
        except SimulatedCrash:
            pass
    return seen[0] if seen else None


def _drained(worker, most=60):
    """What the worker handles until nothing waits."""
    seen = []
    for _ in range(most):
        if worker.step(seen.append) is not True:
            break
    return seen


def _filled(answer, r, *messages):
    worker = answer(r, Q, "producer")
    for message in messages:
        worker.put(message)


@lab.task(
    hints=[
        "LMOVE takes a message from one list and puts it into another, in one step. Which list tells whose it is?",
        "When may the broker forget the message? If the handler raises, two commands are needed: make them one step.",
        "Recovery: from the end of the dead worker's list to the head of the queue, one message, one step at a time.",
    ],
    limit=20,
)
def ReliableWorker(answer, bench):  # noqa: N802 — the task is a class
    _works(answer, bench)
    _survives_sigkill(answer, bench)
    _failures_wait_their_turn(answer, bench)
    _leaves_the_living_alone(answer, bench)
    _recovers_in_order(answer, bench)
    points = _no_crash_loses(answer, bench)
    tried = _shares_the_work(answer, bench)
    points += _no_crash_spoils_a_failure(answer, bench)
    _empty_texts_count(answer, bench)
    _never_waits(answer, bench)
    return f"{points} crash points, {tried}, one real SIGKILL"


def _works(answer, bench):
    r = bench.r
    _filled(answer, r, "m1", "m2", "m3")
    worker, seen = answer(r, Q, "a"), []
    got = [worker.step(seen.append) for _ in range(4)]
    if seen == ["m3", "m2", "m1"]:
        raise NotYet(
            "newest-first",
            "handled m3, m2, m1; they were put in as m1, m2, m3.",
            "The oldest message comes first.",
            "With the newest first, the oldest waits for ever when the worker is busy.",
        )
    if seen != ["m1", "m2", "m3"]:
        raise NotYet("wrong-work", f"handled {seen!r:.60}; m1, m2, m3 had been put in.", "Each once, the oldest first.")
    if got != [True, True, True, False]:
        raise NotYet(
            "not-a-bool",
            f"returned {got!r:.60} from four steps; three messages waited.",
            "Three times True, then False.",
        )
    back = answer(r, Q, "b").recover("a")
    again = _drained(answer(r, Q, "b"))
    if back or again:
        raise NotYet(
            "never-acks",
            f"kept what worker a had finished: b.recover('a') returned {back!r:.20}, {again!r:.40} came again.",
            "What is handled is acknowledged, and gone.",
            "Without an acknowledgement every recovery repeats the whole past.",
        )
    bench.flush()
    _filled(answer, r, "x", "x")
    if (seen := _drained(answer(r, Q, "a"))) != ["x", "x"]:
        raise NotYet(
            "merges-equal-messages",
            f"handled {len(seen)} of two equal messages.",
            "Two messages are two, also when their text is the same.",
            "Two customers may buy the same thing.",
        )


def _survives_sigkill(answer, bench):
    bench.flush()
    _filled(answer, bench.r, "m1", "m2")
    child_end, told = os.pipe()
    pid = os.fork()
    if pid == 0:  # the worker: it never comes back from its handler
        try:
            with bench.client() as r:
                answer(r, Q, "a").step(lambda message: (os.write(told, message.encode()), time.sleep(30)))
        finally:
            os._exit(1)
    os.close(told)
    taken = os.read(child_end, 100).decode()  # empty if it ended before it came to its handler
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(child_end)
    if taken != "m1":
        raise NotYet("wrong-work", f"handed {taken!r:.20} to the handler of a new process; m1 was the oldest.", "m1.")
    held = any(taken in _content(bench.r, key) for key in bench.r.scan_iter("*"))
    worker = answer(bench.r, Q, "b")
    count = worker.recover("a")
    seen = _drained(worker)
    if "m1" not in seen:
        if not held:
            raise NotYet(
                "acks-first",
                "lost m1: the worker was killed (a real SIGKILL) in its handler, and the broker no longer knew of m1.",
                "m1 is recovered and handled by another worker.",
                "Whoever takes the message out, or acknowledges it, before the work is done, has the only copy of it.",
            )
        raise NotYet(
            "never-recovered",
            "left m1 where the killed worker had put it: recover('a') did not bring it back.",
            "After recover('a'), another worker handles m1.",
            "A message that is stored and never looked at again is as good as lost.",
        )
    if number(count, "the result of recover") > 1:
        raise NotYet(
            "takes-too-many",
            f"recovered {count} messages of a worker that had been killed in the handler of its first.",
            "A step takes one message.",
            "What a worker holds, nobody else can handle; and all of it is delayed when the worker dies.",
        )
    if count != 1:
        raise NotYet("wrong-count", f"returned {count!r:.20} from recover; the dead worker had one message.", "1.")


def _content(r, key):
    """All text under a key that can hold messages."""
    match r.type(key):
        case "list":
            return r.lrange(key, 0, -1)
        case "stream":
            return [value for _, fields in r.xrange(key) for value in fields.values()]
        case "hash":
            return [*r.hkeys(key), *r.hvals(key)]
        case "zset":
            return r.zrange(key, 0, -1)
        case "set":
            return list(r.smembers(key))
        case _:
            return [r.get(key)]


def _failures_wait_their_turn(answer, bench):
    bench.flush()
    _filled(answer, bench.r, "bad", "m1", "m2")
    worker, seen, raised = answer(bench.r, Q, "a"), [], []

    def handler(message):
        seen.append(message)
        if message == "bad" and seen.count("bad") < 4:
            raise OSError("the mail server refused it")

    for _ in range(3):
        try:
            worker.step(handler)
        except OSError:
            raised.append(seen[-1])
    if seen[:2] == ["bad", "bad"]:
        raise NotYet(
            "blocks-the-line",
            "took the message whose handler had raised again at once, before the others.",
            "It goes to the end of the queue.",
            "One bad message at the head would stop all mails for ever, in a loop that never sleeps.",
        )
    if seen != ["bad", "m1", "m2"]:
        raise NotYet("wrong-work", f"handled {seen!r:.60} in three steps; the handler of bad raised.", "bad, m1, m2.")
    if raised != ["bad"]:
        raise NotYet(
            "swallows-the-error",
            "kept the exception of the handler for itself.",
            "It passes on to the caller of step.",
            "Nobody else can count it, log it, or give up after the third time.",
        )
    with suppress(OSError):
        worker.step(handler)
    if seen[3:4] == ["bad"]:
        return
    worker.recover("a")
    if "bad" in _drained(worker):
        raise NotYet(
            "strands-failures",
            "kept the message whose handler had raised, as if the worker were dead.",
            "The message goes to the end of the queue at once.",
            "The worker is alive, so nobody will ever recover what it holds.",
        )
    raise NotYet(
        "acks-failures",
        "forgot the message whose handler had raised: it is nowhere any more.",
        "It goes to the end of the queue.",
        "A finally block runs on success and on failure. Acknowledge on success only.",
    )


def _leaves_the_living_alone(answer, bench):
    bench.flush()
    r = bench.r
    _filled(answer, r, "m0", "m1", "m2")
    _die_with(answer, bench, "z")
    seen = []

    def meanwhile(message):
        other = answer(r, Q, "b")
        seen.append((message, other.recover("z"), _drained(other)))

    answer(r, Q, "a").step(meanwhile)
    [(mine, count, theirs)] = seen
    if mine in theirs:
        raise NotYet(
            "takes-from-the-living",
            f"gave {mine} to worker b while worker a was handling it: b had called recover('z').",
            "Recovery touches what the named worker left, and nothing else.",
            "The living worker will finish its message. Now it is handled twice, every time somebody else dies.",
        )
    if sorted(theirs) != sorted({"m0", "m1", "m2"} - {mine}):
        raise NotYet("wrong-work", f"gave {theirs!r:.50} to b after recover('z'); a had {mine}.", "b gets the others.")
    if number(count, "the result of recover") != 1:
        raise NotYet("wrong-count", f"returned {count!r:.20} from recover('z'); z had one message.", "1.")


def _recovers_in_order(answer, bench):
    bench.flush()
    _filled(answer, bench.r, *(f"m{n}" for n in range(1, 7)))
    had = [_die_with(answer, bench, "z") for _ in range(3)]  # it is restarted under the same name, and dies again
    worker = answer(bench.r, Q, "b")
    count, seen = worker.recover("z"), _drained(worker)
    if sorted(set(seen)) != [f"m{n}" for n in range(1, 7)]:
        raise NotYet(
            "lost-in-a-crash",
            f"handled {seen!r:.60} after worker z had died three times, with {had}.",
            "All of m1 to m6.",
            "A worker may be restarted under its old name and die again.",
        )
    if seen != [f"m{n}" for n in range(1, 7)]:
        if seen[0] == "m4":
            raise NotYet(
                "recovers-to-the-end",
                f"handled {', '.join(seen)}: what was recovered came last.",
                "Recovered messages come before those that wait, in their old order.",
                "They have waited longest already.",
            )
        raise NotYet(
            "reverses-order",
            f"handled {', '.join(seen)}; worker z had taken {', '.join(dict.fromkeys(had))}, in this order.",
            "Recovered messages come first, in the order in which they had been taken.",
            "Whoever pushes several messages to the head one by one has the last one in front.",
        )
    if number(count, "the result of recover") != len(set(had)):
        right = len(set(had))
        raise NotYet("wrong-count", f"returned {count!r:.20} from recover; z had taken {right}.", f"{right}.")


def _no_crash_loses(answer, bench):
    def three(r):
        _filled(answer, r, "m1", "m2", "m3")

    def work(r):
        return answer(r, Q, "a").step(lambda message: r.rpush("effects", message))

    def others_go_on(r):
        worker = answer(r, Q, "b")
        worker.recover("a")
        for message in _drained(worker):
            r.rpush("effects", message)

    def all_done(r, result):
        effects = r.lrange("effects", 0, -1)
        if set(effects) != {"m1", "m2", "m3"}:
            raise NotYet(
                "lost-in-a-crash",
                f"lost a message: after a crash of a, recovery, and a worker b, the effects are {effects!r:.40}.",
                "m1, m2 and m3 each have an effect.",
                "Between any two commands the process can die. Take and keep in one step, and acknowledge last.",
            )
        if effects.count("m2") + effects.count("m3") > 2 or effects.count("m1") > (1 if result is True else 2):
            raise NotYet(
                "acks-late",
                f"handled a message again that was finished: {effects!r:.60}.",
                "Only the message that a dead worker had in hand may be handled twice.",
                "What is done is acknowledged before step returns. Until then it is at risk of being repeated.",
            )

    def dead_with_two(r):
        _filled(answer, r, "m1", "m2", "m3")
        _die_with(answer, bench, "z")

    def recovery(r):
        return answer(r, Q, "a").recover("z")

    def a_third_goes_on(r):
        worker = answer(r, Q, "b")
        worker.recover("a")
        worker.recover("z")
        for message in _drained(worker):
            r.rpush("effects", message)

    points = crash_sweep(bench, three, work, others_go_on, all_done)
    again = crash_sweep(bench, dead_with_two, recovery, a_third_goes_on, all_done)
    return points + again


def _no_crash_spoils_a_failure(answer, bench):
    def three(r):
        _filled(answer, r, "bad", "m1", "m2")

    def failing(r):
        def handler(message):
            raise OSError("the mail server refused it")

        answer(r, Q, "a").step(handler)

    def others_go_on(r):
        worker = answer(r, Q, "b")
        worker.recover("a")
        for message in _drained(worker):
            r.rpush("effects", message)

    def each_once(r, result):
        effects = r.lrange("effects", 0, -1)
        if missing := {"bad", "m1", "m2"} - set(effects):
            raise NotYet(
                "lost-after-a-failure",
                f"lost {', '.join(sorted(missing))}: its handler raised, and the worker died before step had returned.",
                "Each of the three messages is handled by the next worker.",
                "Between two commands the process can die, here, too. Then the message was in no list.",
            )
        if len(effects) > 3:
            raise NotYet(
                "copied-after-a-failure",
                f"left a message twice: its handler raised, the worker died, and the next one did {effects!r:.50}.",
                "Each of the three messages is handled once by the next worker.",
                "Between two commands the process can die, here, too. Then the message was in two lists.",
            )

    return crash_sweep(bench, three, failing, others_go_on, each_once)


def _empty_texts_count(answer, bench):
    bench.flush()
    r = bench.r
    _filled(answer, r, "", "m1")
    seen = []
    got = answer(r, Q, "a").step(seen.append)
    bench.flush()
    _filled(answer, r, "", "m1", "m2")
    had = [_die_with(answer, bench, "z") for _ in range(2)]
    worker = answer(r, Q, "b")
    count, after = worker.recover("z"), _drained(worker)
    if seen != [""] or got is not True:
        did = f"took no notice of a message with an empty text: step returned {got!r:.10}."
    elif sorted(after) != ["", "m1", "m2"] or count != len(set(had)):
        did = f"recovered {count!r:.10} of {len(set(had))} messages of a dead worker; the text of one was empty."
    else:
        return
    raise NotYet(
        "empty-is-nothing",
        did,
        "A message with an empty text is a message.",
        "In Python, '' counts as false, like None. Only None says that there was nothing.",
    )


def _never_waits(answer, bench):
    bench.flush()
    worker, shortest = answer(bench.r, Q, "a"), math.inf
    for _ in range(12):  # the shortest counts: the machine may be busy
        began = time.monotonic()
        worker.step(lambda message: None)
        shortest = min(shortest, time.monotonic() - began)
        if shortest > 0.1:
            break
    if shortest > 0.01:
        raise NotYet(
            "waits-for-work",
            "let the caller of step wait although the queue was empty.",
            "False, at once.",
            "Whether to wait, and for how long, is the caller's decision: it may have been told to end.",
        )


def _shares_the_work(answer, bench):
    seen = []

    def waiting(r):
        seen.clear()
        _filled(answer, r, "m1", "m2")

    def stepping(wid):
        return lambda r: answer(r, Q, wid).step(seen.append)

    def once(r, results):
        values(results)
        seen.extend(_drained(answer(r, Q, "c")))
        if sorted(seen) != ["m1", "m2"]:
            raise NotYet(
                "handed-out-twice",
                f"handled {sorted(seen)!r:.50}; m1 and m2 waited, and two workers took a step at once.",
                "Each is handled once.",
                "Looking at a message and taking it must be one step, or two workers see the same one.",
            )

    def dead(r):
        seen.clear()
        _filled(answer, r, "m1", "m2")
        _die_with(answer, bench, "z")

    def recovering(wid):
        return lambda r: answer(r, Q, wid).recover("z")

    def recovered_once(r, results):
        values(results)
        for wid in "ab":
            seen.extend(_drained(answer(r, Q, wid)))
        if sorted(seen) != ["m1", "m2"]:
            raise NotYet(
                "recovers-twice",
                f"handled {sorted(seen)!r:.50} after two workers had recovered z at once; z had m1, m2 waited.",
                "Each is handled once.",
                "Two may notice the same death. Moving a message must be one step that only one of them can do.",
            )
        if sum(number(count, "the result of recover") for count in results) != 1:
            raise NotYet(
                "counts-what-it-saw",
                f"returned {results[0]} and {results[1]} from two recoveries at once of one message.",
                "Each counts what it has brought back itself: together 1.",
                "Between counting and moving, the other one may have moved it.",
            )

    tried = interleave(bench, waiting, [stepping("a"), stepping("b")], once, limit=150)
    tried += interleave(bench, dead, [recovering("a"), recovering("b")], recovered_once, limit=150)
    return f"{tried} interleavings"


# ---------------------------------------------------------------- task 3


def _smallest(wait, target, least=1, most=100_000):
    """The smallest number of servers for which wait(number) is finite and at most the target."""
    return next(c for c in range(least, most) if wait(c) <= target)


def _loss(servers, offered):
    """Erlang's B."""
    loss = 1.0
    for n in range(1, servers + 1):
        loss = offered * loss / (n + offered * loss)
    return loss


@lab.task(
    hints=[
        "Try c = 1, 2, 3 … and stop at the first that is enough. What about those with c ≤ λ/μ?",
        "The recursion gives B(c, a) from B(c − 1, a): carry it along while c grows. Factorials would overflow.",
        "Compare the wait with the target, not the response time: the service itself is not part of it.",
    ],
    broker=False,
)
def workers_needed(answer, bench):
    cases = [
        (320, 100, 0.0105),
        (640, 20, 0.0005),
        (80, 100, 0.045),
        (80, 100, 0.010),
        (0, 100, 1),
        (99, 100, 0.5),
        (300, 100, 1.0),
    ]
    cases += [
        (bench.rng.uniform(1, 900), bench.rng.uniform(5, 120), 10 ** bench.rng.uniform(-3.5, 0.5)) for _ in range(200)
    ]
    cases += [(42_000.0, 10.0, 0.01)]  # thousands of mailers
    tried = 0
    for lam, mu, target in cases:
        right = _smallest(lambda c, lam=lam, mu=mu: theory.mmc_wait(c, lam, mu), target, max(1, math.floor(lam / mu)))
        margins = [abs(theory.mmc_wait(c, lam, mu) / target - 1) for c in (right, right - 1) if c >= 1]
        if min(margins) > 1e-6:  # where rounding decides, either answer is right
            _needed(answer, lam, mu, target, right)
            tried += 1
    return f"{tried} shops"


def _needed(answer, lam, mu, target, right):
    case = f"workers_needed({lam:.4g}, {mu:.4g}, {target:.4g})"
    try:
        got = answer(lam, mu, target)
    except OverflowError as error:
        raise NotYet(
            "overflows",
            f"raised OverflowError in {case}: {error}"[:90],
            f"The answer is {right}.",
            "a^c / c! is a small number made of two huge ones. The recursion never leaves the range from 0 to 1.",
        ) from None
    except ZeroDivisionError:
        raise NotYet(
            "divides-by-zero",
            f"divided by zero in {case}.",
            f"The answer is {right}.",
            "At cμ = λ there is no mean wait: that c is not enough.",
        ) from None
    if isinstance(got, bool) or not isinstance(got, int):
        raise NotYet("not-an-int", f"returned {got!r:.30} from {case}.", f"A number of workers, as an int: {right}.")
    if got == right:
        return
    did, should = f"returned {got} from {case}.", f"The answer is {right}."
    if got < 1:
        raise NotYet("nobody-there", did, should, "Without a worker, the first mail waits for ever.")
    if got * mu <= lam:
        raise NotYet(
            "unstable",
            did,
            should,
            f"{got} workers manage {got * mu:.4g}/s, and {lam:.4g}/s come in: the queue grows for ever.",
        )
    stable = math.floor(lam / mu) + 1
    others = {
        "response-not-wait": lambda c: theory.mmc_wait(c, lam, mu) + 1 / mu,
        "separate-queues": lambda c: float(theory.mg1_wait(lam / c, 1 / mu, 1)),
        "erlang-b": lambda c: _loss(c, lam / mu) / (c * mu - lam),
        "one-fast-server": lambda c: float(theory.mg1_wait(lam, 1 / (c * mu), 1)),
    }
    if target <= 1 / mu:
        del others["response-not-wait"]  # no number of workers makes the response shorter than the service
    reached = {name: _smallest(wait, target, stable) for name, wait in others.items()}
    if got == reached.pop("erlang-b"):
        raise NotYet(
            "erlang-b",
            did,
            should,
            "B is the share of mails that a system without a queue turns away. C is the share that waits.",
        )
    if got == stable:
        raise NotYet(
            "ignores-the-wait",
            did,
            should,
            "That many can keep up in the long run. But arrivals come in clumps, and near ρ = 1 the wait explodes.",
        )
    if got == reached.get("response-not-wait"):
        raise NotYet(
            "response-not-wait",
            did,
            should,
            "The target is for the time before service starts, without the service itself.",
        )
    if got == reached["separate-queues"]:
        raise NotYet(
            "separate-queues",
            did,
            should,
            "That is for mailers with a queue each. With one queue nobody waits while a mailer is idle.",
        )
    if got == reached["one-fast-server"]:
        raise NotYet(
            "one-fast-server",
            did,
            should,
            "c mailers are not one that is c times as fast: a mail waits only when all of them are busy.",
        )
    wait = theory.mmc_wait(right if got > right else got, lam, mu)
    if got > right:
        raise NotYet(
            "not-the-smallest", did, should, f"With {right} the mean wait is {wait:.3g} s, and that is enough."
        )
    raise NotYet("too-few", did, should, f"With {got} the mean wait is {wait:.3g} s, more than the target.")


# ---------------------------------------------------------------- stretch


@lab.task(
    hints=[
        "LINDEX looks at a message without taking it; LREM removes it. Which of them comes before the handler?",
        "A message whose handler raised stays where it is. Look behind it for the next one: count the failures.",
        "To hand back in the old order, take from the tail of `mine` and push to the head of q, one LMOVE at a time.",
        "LREM removes by text. By place: LSET the place to a text that no message has, and LREM that, in one MULTI.",
    ],
    limit=20,
)
def drain(answer, bench):
    _in_time(answer, bench)
    _rest_goes_back(answer, bench)
    _failures_go_back(answer, bench)
    _failures_keep_their_place(answer, bench)
    points = _no_crash_loses_prefetched(answer, bench)
    _equal_and_empty_messages(answer, bench)
    return f"{points} crash points, 11 runs to a deadline"


def _drain(answer, bench, mine, wait, *, fails=(), each=0.04):
    """Run drain over the messages `mine`, with n1 and n2 in q: (result, what was handled, clock).

    `fails`: the messages whose handler raises, or the numbers of the calls that raise, from 1.
    """
    bench.flush()
    r, clock, seen = bench.r, _Time(), []
    r.rpush(MINE, *mine)
    r.rpush(Q, "n1", "n2")

    def handler(message):
        seen.append(message)
        clock.t += each
        clock._idle = 0
        if len(seen) > 60:
            clock._end("never")
        if message in fails or len(seen) in fails:
            raise OSError("the mail server refused it")

    begin = clock.t
    try:
        got = answer(r, Q, MINE, handler, deadline=begin + wait, clock=clock.now)
    except _Enough:
        got = None
    except OSError:
        raise NotYet(
            "stops-at-a-failure",
            f"passed on the exception of the handler of {seen[-1]}; {r.llen(MINE)} messages are still in `mine`.",
            "The drain goes on with the next message, and hands the failed one back.",
            "The process is about to end: nobody will come back for the others.",
        ) from None
    return got, seen, clock


MAILS = [f"m{n}" for n in range(1, 9)]
IDLE = "What the worker does not finish has to wait until somebody else comes to it."


def _in_time(answer, bench):
    got, seen, clock = _drain(answer, bench, MAILS, 10)
    if seen and seen[0] == "m8":
        raise NotYet("newest-first", "began with m8, the newest.", "The oldest comes first: m1, at the head of `mine`.")
    if "n1" in seen:
        raise NotYet(
            "takes-new-work",
            f"handled {', '.join(seen)}: n1 was in q.",
            "It takes nothing from q.",
            "A worker that goes on fetching never comes to an end while mails arrive.",
        )
    if not seen and clock.asked == 0:
        raise _other_clock("handled nothing, and never asked the clock it was given, with 10 s to go.")
    if not seen:
        raise NotYet("stops-at-once", "handled nothing, with 10 s to go.", "It works on until the deadline.", IDLE)
    if seen != MAILS or bench.r.lrange(Q, 0, -1) != ["n1", "n2"] or bench.r.exists(MINE):
        left = bench.r.lrange(MINE, 0, -1) + bench.r.lrange(Q, 0, -1)
        raise NotYet(
            "never-acks",
            f"handled {', '.join(seen):.40}; in the lists are now {', '.join(left):.40}.",
            "m1 to m8 are handled and acknowledged; q is as it was.",
            "Whoever finds the messages later handles them again.",
        )
    _counts(got, (8, 0))


def _counts(got, right):
    if not isinstance(got, tuple) or got != right:
        raise NotYet("wrong-counts", f"returned {got!r:.40}.", f"(done, handed_back): {right}.")


def _rest_goes_back(answer, bench):
    for wait, done in ((0.1, 3), (0.08, 2), (0.3, 8), (-1, 0)):
        got, seen, clock = _drain(answer, bench, MAILS, wait)
        r = bench.r
        if len(seen) > done:
            if clock.asked == 0:
                raise _other_clock(f"handled {len(seen)} messages and never asked the clock it was given.")
            raise NotYet(
                "ignores-the-deadline",
                f"began {len(seen)} messages of 40 ms, with {wait} s until the deadline.",
                f"It begins {done}: none at or after the deadline.",
                "After the deadline comes SIGKILL, in the middle of a mail.",
            )
        rest = MAILS[len(seen) :]
        waiting, kept = r.lrange(Q, 0, -1), r.lrange(MINE, 0, -1)
        if gone := [message for message in rest if message not in waiting + kept]:
            raise NotYet(
                "loses-the-rest",
                f"lost {', '.join(gone):.40}: not done, not in `mine`, not in q.",
                "What is not done goes back to q.",
                "These messages were promised to somebody. Leaving is no reason to forget them.",
            )
        if kept:
            raise NotYet(
                "keeps-the-rest",
                f"left {', '.join(kept):.40} in `mine`.",
                "What is not done goes back to q.",
                "Until somebody notices that this worker is gone, nobody handles them.",
            )
        if len(seen) < done:
            raise NotYet(
                "stops-at-once", f"began {len(seen)} messages of 40 ms in {wait} s.", f"It begins {done}.", IDLE
            )
        if waiting == ["n1", "n2", *rest] and rest:
            raise NotYet(
                "hands-back-to-the-end",
                f"left q as {', '.join(waiting):.50}.",
                "The rest goes back to the head of q.",
                "These messages are older than those that wait.",
            )
        if waiting != [*rest, "n1", "n2"]:
            raise NotYet(
                "hands-back-reversed",
                f"left q as {', '.join(waiting):.50}.",
                f"q holds {', '.join([*rest, 'n1', 'n2']):.50}.",
                "Whoever pushes several messages to the head one by one has the last one in front.",
            )
        _counts(got, (done, 8 - done))


def _failures_go_back(answer, bench):
    got, seen, _ = _drain(answer, bench, MAILS[:4], 10, fails=("m2",))
    waiting, kept = bench.r.lrange(Q, 0, -1), bench.r.lrange(MINE, 0, -1)
    if seen.count("m2") > 1:
        raise NotYet(
            "retries-a-failure",
            f"called the handler of m2 {seen.count('m2')} times; it raises every time.",
            "Once. Then the drain goes on with m3.",
            "One bad message would use up the time of all others.",
        )
    if "m2" not in waiting + kept:
        raise NotYet(
            "acks-failures",
            "acknowledged m2, whose handler had raised.",
            "m2 counts as not done and goes back to q.",
            "A finally block runs on success and on failure. Acknowledge on success only.",
        )
    if seen != MAILS[:4] or waiting != ["m2", "n1", "n2"] or kept:
        raise NotYet(
            "stops-at-a-failure",
            f"handled {', '.join(seen)} when m2 raised; q holds {', '.join(waiting):.40}.",
            "m1, m3 and m4 are done; q holds m2, n1, n2.",
            "One bad message is no reason to leave the good ones undone.",
        )
    _counts(got, (3, 1))


def _failures_keep_their_place(answer, bench):
    for wait, fails, begun in ((0.1, ("m1",), 3), (0.05, ("m1", "m2"), 2), (10, ("m1", "m3"), 4)):
        got, seen, _ = _drain(answer, bench, MAILS[:4], wait, fails=fails)
        right = [*(m for m in MAILS[:4] if m in fails or m not in MAILS[:begun]), "n1", "n2"]
        if (waiting := bench.r.lrange(Q, 0, -1)) != right or seen != MAILS[:begun]:
            raise NotYet(
                "failures-out-of-order",
                f"handled {', '.join(seen)} until the deadline; {' and '.join(fails)} raised; "
                f"q holds {', '.join(waiting):.40}.",
                f"q holds {', '.join(right)}.",
                "What is left goes back in its old order, whether it was tried or not.",
            )
        _counts(got, (begun - len(fails), 4 - begun + len(fails)))


def _equal_and_empty_messages(answer, bench):
    got, seen, _ = _drain(answer, bench, ["x", "x", "y"], 0.04)
    waiting = bench.r.lrange(Q, 0, -1)
    if waiting != ["x", "y", "n1", "n2"]:
        raise NotYet(
            "acks-all-equal",
            f"handled one x of two, until the deadline; q holds {', '.join(waiting):.40}.",
            "q holds x, y, n1, n2.",
            "Two customers may buy the same thing. One acknowledgement is for one message.",
        )
    got, seen, _ = _drain(answer, bench, ["x", "y", "x"], 10, fails=(1, 2))
    waiting = bench.r.lrange(Q, 0, -1)
    if seen != ["x", "y", "x"]:
        raise NotYet(
            "merges-equal",
            f"handled {', '.join(seen)}; `mine` held x, y, x, and the first two raised.",
            "All three: the second x is another message.",
            "Two customers may buy the same thing.",
        )
    if waiting != ["x", "y", "n1", "n2"]:
        raise NotYet(
            "acks-another-one",
            f"left {', '.join(waiting):.40} in q: `mine` held x, y, x; the first x and y raised, the last x was done.",
            "q holds x, y, n1, n2: the last x is gone, the first one has kept its place before y.",
            "Removed by its text, the first of two equal messages goes, whichever of them was done.",
        )
    _counts(got, (1, 2))
    for wait, right in ((-1, ["m1", "", "m2", "n1", "n2"]), (10, ["n1", "n2"])):
        got, seen, _ = _drain(answer, bench, ["m1", "", "m2"], wait)
        if (waiting := bench.r.lrange(Q, 0, -1)) != right:
            raise NotYet(
                "empty-is-nothing",
                f"left q as {waiting!r:.40}; `mine` held m1, an empty text, m2.",
                f"q holds {right!r}.",
                "In Python, '' counts as false, like None. Only None says that there was nothing.",
            )
        _counts(got, (0, 3) if wait < 0 else (3, 0))


def _no_crash_loses_prefetched(answer, bench):
    def fetched(r):
        r.rpush(MINE, "m1", "m2", "m3", "m4")
        r.rpush(Q, "n1")

    def leave(r, fails=None, wait=0.07):
        clock = _Time()

        def handler(message):
            clock.t += 0.04
            if message == fails:
                raise OSError("the mail server refused it")
            r.rpush("effects", message)

        return answer(r, Q, MINE, handler, deadline=clock.t + wait, clock=clock.now)

    def leave_with_a_failure(r):
        return leave(r, "m1", 0.11)

    def put_back(r):
        while r.lmove(MINE, Q, "RIGHT", "LEFT") is not None:
            pass

    def nothing_lost(r, result):
        effects, waiting = r.lrange("effects", 0, -1), r.lrange(Q, 0, -1)
        if missing := {"m1", "m2", "m3", "m4", "n1"} - set(effects) - set(waiting):
            others = [key for key in r.scan_iter("*") if key not in (Q, MINE, "effects")]
            if aside := [m for m in sorted(missing) if any(m in _content(r, key) for key in others)]:
                raise NotYet(
                    "sets-aside",
                    f"left {' and '.join(aside)} under a key of its own when it was killed, not in `mine` nor in q.",
                    "Killed at any command, every message is done, in `mine` or in q.",
                    "Whoever cleans up after this process looks into `mine`, and knows of no other list.",
                )
            raise NotYet(
                "lost-in-a-crash",
                f"lost {', '.join(sorted(missing))} when it was killed: done by nobody, and in no list.",
                "Killed at any command, every message is done, in `mine` or in q.",
                "Taking a message out of one list and putting it into another must be one step. Acknowledge last.",
            )
        if strange := set(waiting) - {"m1", "m2", "m3", "m4", "n1"}:
            raise NotYet(
                "leaves-a-mark",
                f"left {', '.join(sorted(strange)):.40} in the list when it was killed: nobody had sent that.",
                "In `mine` and q are messages, whenever it is killed.",
                "Between marking and removing the process can die. Then somebody has to handle the mark.",
            )
        if len(both := [m for m in effects if m in waiting]) > 1:
            raise NotYet(
                "acks-at-the-end",
                f"left {' and '.join(both)} in the lists after a crash, although they were done.",
                "At most the one message it was just working on.",
                "Acknowledge each message when it is done. Else a crash repeats all of them.",
            )
        if len(waiting) > len(set(waiting)):
            raise NotYet(
                "copies-the-rest",
                f"left q as {', '.join(waiting):.50} after a crash: some messages are in it twice.",
                "Each message is there once.",
                "Copying and deleting are two steps. Move instead.",
            )

    points = crash_sweep(bench, fetched, leave, put_back, nothing_lost)
    return points + crash_sweep(bench, fetched, leave_with_a_failure, put_back, nothing_lost)
