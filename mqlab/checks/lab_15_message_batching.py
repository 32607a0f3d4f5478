"""Checks of lab 15: a batch size for a budget, a buffer that loses nothing, poison by halving, exact acks."""

from __future__ import annotations

import itertools
import math
import os
import random
import signal
import sys
import threading
from contextlib import contextmanager

import redis

from mqlab.checks.engine import Lab, NotYet, number
from mqlab.checks.kills import in_a_process
from mqlab.checks.sweeps import crash_sweep
from mqlab.checks.traced import Hook, traced_client
from mqlab.faults import FakeClock

lab = Lab("15-message-batching")
STRETCH = ("BatchSize",)


# ---------------------------------------------------------------- task 1


def _wait(b, alpha, beta, lam):
    return (b - 1) / lam + alpha + beta * b


def _best(alpha, beta, lam, budget):
    """The largest b within the budget, or None; and whether a rounding error could change that."""
    b = 0
    while _wait(b + 1, alpha, beta, lam) <= budget:
        b += 1
    edges = [abs(_wait(b + i, alpha, beta, lam) / budget - 1) for i in (0, 1)]
    edges.append(abs((alpha + beta * b) * lam / b - 1) if b else 1)
    return (b if b and alpha + beta * b <= b / lam else None), min(edges) < 1e-6


CHOSEN = [  # alpha, beta, lam, budget
    (0.01, 0.001, 100, 0.1), (0.01, 0.001, 100, 0.015), (0.02, 0.001, 100, 0.1), (0.02, 0.001, 100, 0.03),
    (0.001, 0.0001, 7900, 0.01), (0.001, 0.0002, 6000, 0.1), (0.5, 0.1, 0.1, 1.0), (0.5, 0.1, 0.1, 0.55),
    (0.0001, 0.00001, 49_000, 0.0004), (0.005, 0.0001, 300, 0.0101), (0.001, 0.001, 10, 5.0),
    (0.001, 0.000001, 50_000, 0.5),
]


@lab.task(
    hints=[
        "How long does the first click of a batch of b take in all? The others still have to come, then the send.",
        "b clicks come in b / lam seconds, but the first of them need only wait for b - 1 more.",
        "A sender keeps up if alpha + beta * b <= b / lam. The larger b, the easier that is (if beta < 1 / lam).",
        "If a batch does not become full, the first click waits the whole linger, and then the send takes its time.",
    ],
    broker=False,
)
def best_batch(answer, bench):
    cases = list(CHOSEN)
    while len(cases) < 400:
        rng = bench.rng
        lam = 10 ** rng.uniform(0, 4)
        alpha, beta = rng.uniform(0.05, 3) / lam, rng.uniform(0.02, 1.1) / lam
        case = alpha, beta, lam, rng.choice([1, 3, 10, 60]) * rng.uniform(0.2, 2) / lam + alpha
        if not _best(*case)[1]:
            cases.append(case)
    for case in cases:
        _judge_batch(answer(*case), *case)
    return f"{len(cases)} cases"


def _judge_batch(got, alpha, beta, lam, budget):
    case = f"alpha = {alpha:.4g}, beta = {beta:.4g}, lam = {lam:.4g}, budget = {budget:.4g}"
    best = _best(alpha, beta, lam, budget)[0]
    if got is None:
        if best is None:
            return
        raise NotYet("gives-up", f"returned None for {case}.", f"b = {best} is possible: the first click takes "
                     f"{_wait(best, alpha, beta, lam):.4g} s, and a send {alpha + beta * best:.4g} s, in which at most "
                     f"{best} clicks come.", "A batch of one may be too slow for the stream while a larger one is not: "
                     "it shares alpha." if alpha + beta > 1 / lam else "")
    try:
        b, linger = got
    except (TypeError, ValueError):
        raise NotYet("not-a-pair", f"returned {got!r:.60}.", "A pair (b, linger), or None.") from None
    size = number(b, "b")
    if size != int(size) or size < 1:
        raise NotYet("not-a-size", f"returned b = {b!r} for {case}.", "A whole number of at least 1, or None as the "
                     "whole result.", "A batch has at least one item, and no halves.")
    b, linger = int(size), number(linger, "linger")
    wait = _wait(b, alpha, beta, lam)
    if wait > budget * (1 + 1e-9):
        raise NotYet("over-budget", f"returned b = {b} for {case}. The first click of a full batch takes {wait:.4g} s: "
                     f"{(b - 1) / lam:.4g} s until the last has come, {alpha + beta * b:.4g} s for the send.",
                     f"At most {budget:.4g} s." if best else "None: no batch keeps within the budget and keeps up.",
                     "The budget is for every click, and the first one waits longest.")
    if best is None or alpha + beta * b > b / lam * (1 + 1e-9):
        raise NotYet("cannot-keep-up", f"returned b = {b} for {case}. A send takes {alpha + beta * b:.4g} s, and "
                     f"{b} clicks come every {b / lam:.4g} s.",
                     f"b = {best}." if best else "None: what keeps within the budget does not keep up.",
                     "Then batches pile up behind the sender, and no budget is kept for long.")
    if b < best:
        raise NotYet("too-small", f"returned b = {b} for {case}.",
                     f"b = {best}: its first click takes {_wait(best, alpha, beta, lam):.4g} s.",
                     "Every send costs alpha. Fewer of them, as long as nobody waits too long, is the whole idea.")
    if linger < (b - 1) / lam * (1 - 1e-9):
        raise NotYet("linger-too-short", f"returned b = {b} and a linger of {linger:.4g} s for {case}.",
                     f"At least {(b - 1) / lam:.4g} s: that long it takes until the last of {b} clicks has come.",
                     "With a shorter linger no batch ever becomes full.")
    if linger + alpha + beta * b > budget * (1 + 1e-9):
        raise NotYet("linger-too-long", f"returned a linger of {linger:.4g} s for {case}; a send of {b} takes "
                     f"{alpha + beta * b:.4g} s.", f"At most {budget - alpha - beta * b:.4g} s.",
                     "When fewer clicks come than expected, the first one waits the whole linger and then for the "
                     "send.")


# ---------------------------------------------------------------- task 2


class _Receiver:
    """The other end: keeps what it is sent; `up` says whether sending works, `during` is called in each send."""

    def __init__(self, answer, max_items=3, max_bytes=1000, linger=0.05, now=1000.0):
        self.clock, self.batches, self.tried, self.up, self.during = FakeClock(now), [], 0, True, None
        self.max_items, self.max_bytes, self.empty, self.strange = max_items, max_bytes, False, None
        self.batcher = answer(self.send, max_items, max_bytes, linger, self.clock.now)

    def send(self, items):
        self.tried += 1
        if isinstance(items, (bytes, str)) or not all(isinstance(item, bytes) for item in items):
            self.strange = repr(items)
        items = [item if isinstance(item, bytes) else b"?" for item in items]
        self.empty |= not items
        if self.during is not None:
            self.during()
        if not self.up:
            raise ConnectionError("the receiver is down")
        self.batches.append(items)

    @property
    def sent(self):
        return [item for batch in self.batches for item in batch]

    def add(self, item):
        """True or False. Raises NotYet when something else comes out."""
        try:
            got = self.batcher.add(item)
        except ConnectionError:
            raise NotYet("raises-from-add", "let the exception of send out of add.",
                         "add returns True or False, and the exception is in self.error.",
                         "Whoever adds cannot know then whether his item was taken. If he adds it again, it is sent "
                         "twice.") from None
        if got not in (True, False):
            raise NotYet("wrong-return", f"returned {got!r} from add.", "True if the item was taken, else False.")
        return bool(got)

    def tick(self):
        try:
            self.batcher.tick()
        except ConnectionError:
            raise NotYet("raises-from-tick", "let the exception of send out of tick.",
                         "tick does not raise; the exception is in self.error, and the next tick tries again.",
                         "tick is called by a timer, which nobody waits for.") from None

    def limits(self):
        if self.strange:
            raise NotYet("not-a-list", f"called send with {self.strange:.60}.", "A list of the items, as they were "
                         "added.", "The receiver has to tell one from the next.")
        for batch in self.batches:
            if len(batch) > self.max_items or sum(map(len, batch)) > self.max_bytes:
                raise NotYet("too-large", f"sent a batch of {len(batch)} items and {sum(map(len, batch))} bytes.",
                             f"At most {self.max_items} items and {self.max_bytes} bytes.",
                             "The receiver refuses what is larger, every time.")
        if self.empty:
            raise NotYet("sends-nothing", "called send with an empty list.", "No call, if there is nothing to send.",
                         "An empty request costs alpha as well.")


def _same(sent, added, when):
    if sent == added:
        return
    did, should = f"sent {_short(sent)} {when}.", f"{_short(added)}: in the order of the adds, each once."
    if any(sent.count(item) > added.count(item) for item in sent):
        raise NotYet("sends-twice", did, should, "What was sent must be out of the buffer before it can be sent again, "
                                                 "and what was refused must never be in it.")
    if any(sent.count(item) < added.count(item) for item in added):
        raise NotYet("loses-items", did, should, "An item leaves the buffer when send has worked, and only then; what "
                                                 "came meanwhile was not in that batch.")
    raise NotYet("loses-order", did, should)


def _short(items):
    text = ", ".join(item.decode() if len(item) < 12 else f"({len(item)} bytes)" for item in items[:8])
    return (text or "nothing") + (" …" if len(items) > 8 else "")


@lab.task(
    hints=[
        "Keep a list and the time at which its first item came. When is that time set, and when is it not touched?",
        "In add: first, does the item fit? If not, send what is there. Then take it. Then, is the batch full?",
        "One method that tries to send, returns whether it worked, and empties the list only then, serves all three.",
        "Two threads: a lock around all of add, tick and close. Whoever comes meanwhile waits.",
    ],
    limit=20,
    broker=False,
)
def Batcher(answer, bench):
    _by_number(answer)
    _by_time(answer)
    _to_the_moment(answer)
    _by_bytes(answer)
    _at_the_end(answer)
    _any_item(answer)
    _when_sending_fails(answer)
    _added_meanwhile(answer)
    walks = 40
    for seed in range(walks):
        _random_walk(answer, random.Random(seed))
    _threads(answer)
    return f"{walks} random runs of 120 steps, 8 threads"


def _by_number(answer):
    to = _Receiver(answer)
    for item in (b"a", b"b"):
        if not to.add(item):
            raise NotYet("wrong-return", "returned False from add, with room for three items.", "True: it was taken.")
    to.tick()
    if to.batches:
        raise NotYet("sends-too-early", f"sent {_short(to.sent)} at once: 2 of 3 items, and the linger of 0.05 s had "
                     "not passed.", "It waits for a third item, or until the linger has passed.",
                     "Each send costs alpha, however few are in it.")
    to.add(b"c")
    if not to.batches:
        raise NotYet("lingers-though-full", "did not send when the third of max_items=3 items was added.",
                     "A full batch is sent by the add that fills it.", "Nobody can join it: waiting buys nothing.")
    to.limits()
    _same(to.sent, [b"a", b"b", b"c"], "after three adds")
    if to.batcher.error is not None:
        raise NotYet("error-not-reset", f"has self.error = {to.batcher.error!r} although sending works.", "None.")


def _by_time(answer):
    to = _Receiver(answer)
    to.clock.sleep(10)
    to.tick()
    to.add(b"a")
    to.clock.sleep(0.03)
    to.tick()
    if to.batches:
        raise NotYet("wrong-start", "sent an item 0.03 s after it was added to an empty buffer; the linger is 0.05 s.",
                     "It waits 0.05 s from its own add on.",
                     "A clock that starts with the last send, or with the Batcher, has run out before anybody came.")
    to.add(b"b")
    to.clock.sleep(0.0201)
    to.tick()
    if to.sent != [b"a", b"b"]:
        to.clock.sleep(0.05)
        to.tick()
        if not to.batches:
            raise NotYet("no-time-trigger", "did not send two items in 0.1 s, with a linger of 0.05 s and ticks.",
                         "tick sends them when the first one is 0.05 s old.",
                         "The last items of the night would wait until morning.")
        raise NotYet("timer-restarts", "did not send when the first item was 0.0501 s old, but later.",
                     "The linger counts from the first item of the batch.",
                     "If each item starts it anew and items trickle in, it never runs out.")
    to.add(b"c")
    to.clock.sleep(0.0499)
    to.tick()
    if len(to.batches) > 1:
        raise NotYet("wrong-start", "sent an item 0.0499 s after its add; the linger is 0.05 s.",
                     "The clock starts anew with the first item after a send.")
    to.limits()


def _to_the_moment(answer):
    """At the very end of the linger; and when the clock shows 0 as the first item comes."""
    for now in (64.0, 0.0):
        to = _Receiver(answer, linger=0.5, now=now)
        to.add(b"a")
        to.clock.sleep(0.25)
        to.add(b"b")
        to.clock.sleep(0.25)
        to.tick()
        if to.sent == [b"a", b"b"]:
            continue
        if now:
            raise NotYet("misses-the-moment", "did not send when tick came exactly 0.5 s after the first item, with a "
                         "linger of 0.5 s.", "A linger of that long, or longer: it sends.",
                         "A timer that rings on time would be told to come again.")
        raise NotYet("zero-is-a-time", "did not send after the linger when the clock showed 0 as the first item came.",
                     "A clock may begin at 0.", "0 is false in Python, and yet it is a time like any other.")


def _any_item(answer):
    """Items that are equal, empty, or as large as a batch can be."""
    to = _Receiver(answer, max_items=4, max_bytes=100)
    for item in (b"a", b"a", b"", b"z" * 100, b""):
        try:
            to.add(item)
        except ValueError:
            raise NotYet("refuses-the-largest", f"refused an item of {len(item)} bytes, with max_bytes=100.",
                         "It fits: only one of more than max_bytes can never be sent.") from None
    to.batcher.close()
    to.limits()
    for what, item in (("equal items, b'a' twice,", b"a"), ("empty items, b'' twice,", b"")):
        if (times := to.sent.count(item)) < 2:
            raise NotYet("drops-some-items", f"was given {what} and sent {times} of them.", "Each that was added.",
                         "Two customers can do the same thing; and what is in an item is not the buffer's business.")
    _same(to.sent, [b"a", b"a", b"", b"z" * 100, b""], "(some are equal, some are empty)")


def _by_bytes(answer):
    to = _Receiver(answer, max_items=10, max_bytes=100)
    for letter in b"abc":
        to.add(bytes([letter]) * 40)
        to.limits()
    if not to.batches:
        raise NotYet("ignores-bytes", "kept three items of 40 bytes; max_bytes is 100.",
                     "The first two are sent before the third one is taken.")
    to.add(b"d" * 60)
    if len(to.batches) == 1:
        raise NotYet("lingers-though-full", "did not send when the batch had exactly max_bytes bytes.",
                     "It is full, and sent by that add.", "Nobody can join it any more: waiting buys nothing.")
    to.add(b"e")
    try:
        taken = to.add(b"x" * 101)
    except ValueError:
        pass
    else:
        raise NotYet("takes-the-oversize", f"returned {taken} from add for an item of 101 bytes, with max_bytes=100.",
                     "ValueError.", "It can never be sent. Taken, it stays at the head for ever; refused with False, "
                                    "whoever adds it tries for ever.")
    if len(to.batches) != 2:
        raise NotYet("oversize-disturbs", "sent something when an item was refused for its size.",
                     "What was added before is not touched.")
    to.add(b"y" * 99)
    to.tick()
    to.limits()
    _same(to.sent, [b"a" * 40, b"b" * 40, b"c" * 40, b"d" * 60, b"e", b"y" * 99], "(one item was too large)")


def _at_the_end(answer):
    to = _Receiver(answer)
    to.batcher.close()
    to.tick()
    to.limits()
    to = _Receiver(answer)
    to.add(b"a")
    to.batcher.close()
    if not to.batches:
        raise NotYet("no-flush", "left an item in the buffer at close.", "close sends it.",
                     "The process ends now, and its memory with it.")
    to.batcher.close()
    to.limits()
    _same(to.sent, [b"a"], "after close was called twice")


def _when_sending_fails(answer):
    to = _Receiver(answer)
    to.up = False
    if not all([to.add(item) for item in (b"a", b"b", b"c")]):
        raise NotYet("wrong-return", "returned False for the item that filled the batch, because send failed.",
                     "True: there was room for it, and it is in the buffer.",
                     "Whoever gets False adds the item again, and then it is there twice.")
    if not isinstance(to.batcher.error, ConnectionError):
        raise NotYet("hides-the-failure", f"has self.error = {to.batcher.error!r} after send has raised.",
                     "The exception, until a send works.", "Without it nobody sees why nothing arrives.")
    tried = to.tried
    if to.add(b"d"):
        to.up = True
        to.batcher.close()
        if to.sent[:3] != [b"a", b"b", b"c"]:
            _same(to.sent, [b"a", b"b", b"c", b"d"], "after a send had failed")
        raise NotYet("no-bound", "took a fourth item, with max_items=3, while the first three could not be sent.",
                     "False: there is no room.", "An outage of the receiver would fill the memory, and the crash then "
                                                 "takes everything.")
    if to.tried == tried:
        raise NotYet("gives-up", "refused an item without trying to send the full batch again.",
                     "add tries once, then says False.", "The receiver may be back, and then there is room.")
    if to.tried > tried + 1:
        raise NotYet("tries-again-at-once", f"tried to send {to.tried - tried} times in one add.",
                     "add tries once, then says False.", "Each try can last as long as the time-out of the client, and "
                                                         "whoever adds stands still meanwhile.")
    to.tick()
    to.up = True
    to.tick()
    if not to.batches:
        to.clock.sleep(1)
        to.tick()
        if not to.batches:
            raise NotYet("loses-items", "never sent three items whose first send had failed, when send worked again.",
                         "They stay until they are sent.", "An item leaves the buffer when send has worked, and only "
                                                           "then.")
        raise NotYet("lingers-though-full", "waited for the linger with a full batch whose send had failed.",
                     "The next tick tries again.")
    _same(to.sent, [b"a", b"b", b"c"], "after the receiver was back")
    if to.batcher.error is not None:
        raise NotYet("error-not-reset", f"has self.error = {to.batcher.error!r} after a send has worked.", "None.")

    to = _Receiver(answer, max_items=10, max_bytes=100)
    to.up = False
    to.add(b"a" * 60)
    if to.add(b"b" * 60):
        raise NotYet("no-bound", "took 60 bytes more, with max_bytes=100, while the first 60 could not be sent.",
                     "False: there is no room.", "Bytes fill the memory as surely as items do.")
    to.clock.sleep(0.06)
    to.tick()
    try:
        to.batcher.close()
    except ConnectionError:
        pass
    else:
        raise NotYet("close-hides-failure", "returned from close although the last items could not be sent.",
                     "The exception of send comes out.", "The process would end now, and call it a success.")
    if not to.add(b"c"):
        raise NotYet("refuses-with-room", "refused an item that fitted in with what was there, after a send had "
                     "failed.", "True. There is room for it.", "A buffer is there for the time in which sending fails.")
    to.up = True
    to.batcher.close()
    to.limits()
    _same(to.sent, [b"a" * 60, b"c"], "after close had failed once and was called again")


def _added_meanwhile(answer):
    """Another thread adds while a send is under way: by add, by tick or by close, working or failing."""
    for trigger, works in itertools.product(("add", "tick", "close"), (True, False)):
        to = _Receiver(answer, max_items=2 if trigger == "add" else 10)
        to.up, helpers, result = works, [], []

        def late(to=to, helpers=helpers, result=result):
            if helpers:
                return
            helpers.append(threading.Thread(target=lambda: result.append(to.batcher.add(b"late")), daemon=True))
            helpers[0].start()
            helpers[0].join(0.1)

        to.during = late
        to.add(b"a")
        to.clock.sleep(0.06)
        try:
            to.add(b"b") if trigger == "add" else getattr(to.batcher, trigger)()
        except ConnectionError:
            pass
        for helper in helpers:
            helper.join(5)
        if not result:
            raise NotYet("deadlock", "never came back from an add that began while a send was under way.",
                         "It may wait until the send is done, and then goes on.")
        if not result[0] and (works or trigger != "add"):
            raise NotYet("refuses-with-room", "returned False from an add that began while a send was under way in "
                         "another thread.", "It may wait until that is done; then there is room.",
                         "False says that what is there cannot be sent.")
        to.up, to.during = True, None
        to.batcher.close()
        to.batcher.close()
        to.limits()
        added = [b"a"] + [b"b"] * (trigger == "add") + [b"late"] * result[0]
        _same(to.sent, added, f"(another thread added 'late' during a send that {'worked' if works else 'failed'})")


def _random_walk(answer, rng):
    to = _Receiver(answer, max_items=rng.randint(1, 5), max_bytes=rng.choice([30, 100]), linger=0.05)
    taken, times = [], []
    for step in range(120):
        move = rng.random()
        if move < 0.6:
            item = f"{step}".encode().ljust(rng.randint(4, 28), b".")
            before = to.tried
            if to.add(item):
                taken.append(item)
                times.append(to.clock.now())
            elif to.up or to.tried == before:
                raise NotYet("gives-up", "refused an item although send works, or without trying it.",
                             "False only when what is there cannot be sent.")
        elif move < 0.9:
            to.clock.sleep(rng.choice([0.001, 0.01, 0.03, 0.08]))
            to.tick()
            done = len(to.sent)
            if to.up and done < len(taken) and to.clock.now() - times[done] > 0.051:
                raise NotYet("waits-too-long", f"kept an item for {to.clock.now() - times[done]:.3f} s, with a linger "
                             "of 0.05 s, when tick was called and send worked.", "tick sends it.")
        else:
            to.up = rng.random() < 0.5
    to.up = True
    to.batcher.close()
    to.limits()
    _same(to.sent, taken, "in a run of adds, ticks and failures")


def _threads(answer, count=8, each=150):
    to = _Receiver(answer, max_items=7)
    barrier, interval, refused = threading.Barrier(count), sys.getswitchinterval(), []

    def adder(name):
        barrier.wait()
        for n in range(each):
            if not to.batcher.add(b"%d/%d" % (name, n)):
                refused.append(n)

    threads = [threading.Thread(target=adder, args=(name,), daemon=True) for name in range(count)]
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    if refused:
        raise NotYet("refuses-with-room", f"returned False from {len(refused)} adds of 8 threads while sending worked.",
                     "It may wait for the other threads; then there is room.")
    to.batcher.close()
    to.limits()
    for name in range(count):
        mine = [item for item in to.sent if item.startswith(b"%d/" % name)]
        _same(mine, [b"%d/%d" % (name, n) for n in range(each)], "of one thread's items, with 8 threads at work")


# ---------------------------------------------------------------- task 3


class _Endless(BaseException):
    """Enough sends: the learner's code would go on for ever."""


class _Picky:
    """Takes a list all or nothing. `bad` says whether an item is; at send number `outage` it is not there."""

    def __init__(self, bad, most, outage=0, failure=redis.ConnectionError):
        self.bad, self.most, self.outage, self.failure = bad, most, outage, failure
        self.sends, self.stored, self.empty = 0, [], False

    def __call__(self, items):
        self.sends += 1
        if self.sends > self.most:
            raise _Endless
        if self.sends == self.outage:
            raise self.failure("no answer")
        self.empty |= not items
        if any(self.bad(item) for item in items):
            raise ValueError("at least one item is bad")
        self.stored += items


@lab.task(
    hints=[
        "If a batch is refused and has one item, you know which one is bad. What if it has two?",
        "Halve what was refused, and treat each half as you treated the whole. What was accepted is done.",
        "A function may call itself for each half, and put the two results together.",
        "Which exception says that an item is bad? Only that one means: halve.",
    ],
    broker=False,
)
def send_isolating(answer, bench):
    cases = 0
    for b in range(1, 8):
        for pattern in itertools.product((1, -1), repeat=b):
            _isolate(answer, [sign * (n + 1) for n, sign in enumerate(pattern)], lambda item: item < 0)
            cases += 1
    for b in (12, 31, 100, 128):
        for k in (0, 1, 2, 5, b):
            items = list(range(1, b + 1))
            for place in bench.rng.sample(range(b), k):
                items[place] *= -1
            _isolate(answer, items, lambda item: item < 0)
            cases += 1
    _isolate(answer, [{"n": 1}, {"n": -1}, {"n": 1}, {"n": -1}, {"n": 1}], lambda item: item["n"] < 0)
    _isolate(answer, [], lambda item: True)
    outages = 0
    for failure in (redis.ConnectionError, redis.TimeoutError, ConnectionResetError, RuntimeError):
        for n in range(1, 9):
            outages += _outage(answer, [1, -2, 3, 4, -5, 6, 7, 8], n, failure)
    return f"{cases + 2} batches, {outages} outages"


def _isolate(answer, items, bad):
    most = 4 * len(items) ** 2 + 50
    send = _Picky(bad, most)
    shown = f"{items!r:.60}{'…' if len(repr(items)) > 60 else ''}"
    try:
        got = answer(list(items), send)
    except _Endless:
        raise NotYet("retries-for-ever", f"sent more than {most} times for {shown}.", "It comes to an end.",
                     "What was refused is refused again if nothing has changed.") from None
    except ValueError:
        raise NotYet("refusal-comes-out", f"let the ValueError of send out, for {shown}.",
                     "A pair (ok, bad).", "A refusal is what this function is there to deal with.") from None
    if send.empty:
        raise NotYet("sends-an-empty-list", f"called send with an empty list, for {shown}.", "No such call.")
    try:
        ok, found = map(list, got)
    except (TypeError, ValueError):
        raise NotYet("not-a-pair", f"returned {got!r:.60}.", "A pair of lists (ok, bad).") from None
    good, poison = [i for i in items if not bad(i)], [i for i in items if bad(i)]
    if len(send.stored) > len(good):
        twice = next(item for item in send.stored if send.stored.count(item) > good.count(item))
        raise NotYet("stored-twice", f"sent {twice!r} again, which had been accepted, for {shown}.",
                     "Each good item is stored once.", "What is accepted is done, whatever happens to the others.")
    if sorted(map(repr, send.stored)) != sorted(map(repr, good)):
        raise NotYet("drops-good-items", f"stored {send.stored!r:.60} of {shown}.", f"{good!r:.60}",
                     "A batch is refused because of one bad item; the others of it are good.")
    if (ok, found) != (good, poison):
        raise NotYet("wrong-lists", f"returned {ok!r:.50} and {found!r:.50} for {shown}.",
                     f"{good!r:.50} and {poison!r:.50}, in their order.",
                     "Somebody goes on with both lists: the bad ones to the dead letters, the good ones to the books.")
    bound = 2 * len(poison) * math.ceil(math.log2(max(len(items), 1))) + 1 if items else 0
    bound = max(bound, 1 if items else 0)
    if send.sends > bound:
        raise NotYet("too-many-sends", f"needed {send.sends} sends for {len(items)} items of which {len(poison)} are "
                     "bad.", f"At most {bound}.", "One send per item pays the fixed cost for each of them.")


def _outage(answer, items, n, failure):
    send = _Picky(lambda item: item < 0, 500, n, failure)
    name = f"{failure.__module__.split('.')[0].replace('builtins', '')}.{failure.__name__}".lstrip(".")
    try:
        got = answer(list(items), send)
    except failure:
        if send.sends > n:
            raise NotYet("goes-on-after-an-outage", f"sent {send.sends - n} more after send number {n} had raised "
                         f"{name}.", "The exception comes out at once.",
                         "Nobody knows whether that part was stored. More sends do not make it clearer.") from None
        return 1
    except _Endless:
        raise NotYet("retries-for-ever", f"went on sending after {name}.", "It comes out.") from None
    if send.sends < n:
        return 0
    raise NotYet("error-is-poison", f"returned {got!r:.70} although send number {n} had raised {name}.",
                 "The exception comes out at once, and nothing more is sent.",
                 "It says nothing about the items. Good ones would end among the dead letters, or be stored twice.")


# ---------------------------------------------------------------- task 4

STREAM, GROUP = "kiosk:lab", "store"


class _Count(Hook):
    def __init__(self):
        self.commands = []

    def before(self, connection, step):
        self.commands += step.commands
        return step


def _fill(r, count, first=0):
    if not first:
        r.delete(STREAM)
        r.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
    return [r.xadd(STREAM, {"data": f"click {n}"}) for n in range(first, first + count)]


def _pending(r):
    return [entry["message_id"] for entry in r.xpending_range(STREAM, GROUP, "-", "+", 1000)]


class _Store:
    """Stores clicks, but not those whose number is in `bad`. `raises`: it fails as a whole."""

    def __init__(self, bad=(), raises=False):
        self.bad, self.raises, self.calls = {f"click {n}" for n in bad}, raises, []

    def __call__(self, clicks):
        self.calls.append(list(clicks))
        if self.raises:
            raise OSError("the disk is full")
        return [redis.ResponseError("bad click") if click in self.bad else None for click in clicks]


@lab.task(
    hints=[
        "XREADGROUP with the id '>' gives new messages. What does redis-py return when there is none?",
        "zip puts the messages and the results side by side. Which ids have the result None?",
        "XACK takes any number of ids, and not zero.",
        "First store, then acknowledge: what if the process dies between the two? And the other way round?",
    ],
    limit=20,
)
def consume_batch(answer, bench):
    def call(r, count, store):
        return answer(r, STREAM, GROUP, "me", count, store)

    _empty(bench, call)
    patterns = [()] + [c for k in (1, 2, 3, 4) for c in itertools.combinations(range(4), k)]
    for bad in patterns:
        _exactly(bench, call, bad)
    _the_right_ones(bench, call)
    _equal_ones(bench, call)
    _two_commands(bench, call)
    _as_a_whole(bench, call)
    points = _killed(bench, call)
    _down(bench, call)
    return f"{len(patterns)} ways to fail, {points}, a real SIGKILL"


def _empty(bench, call):
    _fill(bench.r, 0)
    store = _Store()
    got = _pair(call(bench.r, 10, store))
    if store.calls:
        raise NotYet("calls-with-nothing", "called store although there was no message.", "No call.")
    if got != (0, 0):
        raise NotYet("wrong-return", f"returned {got} with no message there.", "(0, 0).")


def _pair(got):
    try:
        stored, failed = got
        return int(number(stored, "stored")), int(number(failed, "failed"))
    except (TypeError, ValueError):
        raise NotYet("not-a-pair", f"returned {got!r:.60}.", "A pair (stored, failed).") from None


def _exactly(bench, call, bad):
    bench.flush()
    ids, store = _fill(bench.r, 6), _Store(bad)
    got = _pair(call(bench.r, 4, store))
    if store.calls != [[f"click {n}" for n in range(4)]]:
        raise NotYet("wrong-batch", f"called store with {store.calls!r:.80}; six messages waited, count was 4.",
                     "One call, with the data of the first four in their order.",
                     "count bounds the memory, and what is repeated after a crash.")
    pending, expected = _pending(bench.r), [ids[n] for n in bad]
    if set(pending) < set(expected):
        raise NotYet("acks-failures", f"left {len(pending)} messages pending of {len(bad)} that were not stored, of 4.",
                     "What was not stored stays pending.", "An acknowledged message never comes back. The result said "
                                                           "that it failed, and somebody has to read the result.")
    if set(pending) > set(expected):
        raise NotYet("acks-too-few", f"left {len(pending)} messages pending, of which only {len(bad)} had failed.",
                     "What was stored is acknowledged.",
                     "What is not acknowledged comes back, and is stored a second time.")
    if pending != expected:
        raise NotYet("acks-the-wrong-ones", f"acknowledged others than those that were stored (bad: {bad} of 0 to 3).",
                     "Exactly those that were stored.")
    if names := {entry["consumer"] for entry in bench.r.xpending_range(STREAM, GROUP, "-", "+", 10)} - {"me"}:
        raise NotYet("another-name", f"reads as consumer {min(names)!r}; it was called with 'me'.", "The name it was "
                     "given.", "By that name a claim knows whose messages these are, and XPENDING says who is stuck.")
    if got != (4 - len(bad), len(bad)):
        raise NotYet("wrong-return", f"returned {got}; {4 - len(bad)} were stored, {len(bad)} were not.",
                     "(stored, failed).")


def _equal_ones(bench, call):
    """Two customers can click the same."""
    bench.flush()
    ids = [*_fill(bench.r, 1), *(bench.r.xadd(STREAM, {"data": "click 0"}) for _ in range(2))]
    got = _pair(call(bench.r, 4, lambda clicks: [None, redis.ResponseError("bad click"), None][: len(clicks)]))
    if _pending(bench.r) != [ids[1]] or got != (2, 1):
        raise NotYet("confuses-equals", f"returned {got} and left {len(_pending(bench.r))} pending, of three messages "
                     "with equal data of which the second was not stored.", "(2, 1), and the second one is pending.",
                     "Results belong to places in the list, not to data.")


def _two_commands(bench, call):
    for bad in ((), (3, 7)):
        bench.flush()
        _fill(bench.r, 40)
        counter = _Count()
        call(traced_client(bench.broker.url, counter, socket_timeout=None), 40, _Store(bad))
        if len(counter.commands) > 2:
            raise NotYet("a-command-each", f"sent {len(counter.commands)} commands for a batch of 40.",
                         "Two: one that reads, one that acknowledges.",
                         "The broker has to carry out each of them. XACK takes many ids.")


def _the_right_ones(bench, call):
    """Messages of others, and old ones of one's own, are left alone."""
    bench.flush()
    _fill(bench.r, 3)
    others = bench.r.xreadgroup(GROUP, "another", {STREAM: ">"}, count=1)
    old = bench.r.xreadgroup(GROUP, "me", {STREAM: ">"}, count=1)
    store = _Store()
    call(bench.r, 10, store)
    if store.calls != [["click 2"]]:
        raise NotYet("not-the-new-ones", f"called store with {store.calls!r:.70}; click 0 was with another consumer, "
                     "click 1 with this one since an earlier call.", "Only the new message, click 2.",
                     "What failed comes back by a claim, which counts the deliveries. Read again at once, one bad "
                     "message holds up all that follow.")
    if len(_pending(bench.r)) != 2 or not others or not old:
        raise NotYet("acks-others", "acknowledged messages that were not in this batch.", "They stay pending.",
                     "Another worker is busy with them, or failed: nobody has stored them.")


def _as_a_whole(bench, call):
    bench.flush()
    _fill(bench.r, 4)
    try:
        got = call(bench.r, 4, _Store(raises=True))
    except OSError:
        got = None
    if len(_pending(bench.r)) != 4:
        raise NotYet("acks-failures", "acknowledged messages although store had raised.", "All four stay pending.",
                     "An acknowledged message never comes back.")
    if got is not None:
        raise NotYet("swallows-the-failure", f"returned {got!r:.40} although store had raised OSError.",
                     "The exception comes out.", "Nobody would see why the clicks do not arrive.")


def _killed(bench, call):
    stored = []

    def prepare(r):
        stored.clear()
        _fill(r, 4)

    def store(clicks):
        results = _Store([1])(clicks)
        stored.extend(click for click, result in zip(clicks, results, strict=True) if result is None)
        return results

    def verify(r, result):
        everything = dict(r.xrange(STREAM))
        new = r.xinfo_groups(STREAM)[0]["lag"] or 0
        pending = set(_pending(r))
        taken = list(everything)[: 4 - new]
        for id in taken:
            if id not in pending and everything[id]["data"] not in stored:
                raise NotYet("acks-before-storing", f"was killed, and {everything[id]['data']} is acknowledged without "
                             "having been stored.", "It is stored first, then acknowledged.",
                             "An acknowledged message never comes back: this one is lost.")

    points = crash_sweep(bench, prepare, lambda r: call(r, 4, store), lambda r: None, verify)

    def work():
        r = redis.Redis.from_url(bench.broker.url, decode_responses=True)
        call(r, 4, lambda clicks: os.kill(os.getpid(), signal.SIGKILL))

    bench.flush()
    _fill(bench.r, 4)
    killed = in_a_process(work)
    if killed and len(_pending(bench.r)) != 4:
        raise NotYet("acks-before-storing", "was killed by SIGKILL in store, and not all four messages are pending.",
                     "It is stored first, then acknowledged.")
    return points


@contextmanager
def _told(state):
    try:
        yield
    except redis.RedisError:
        return
    raise NotYet("hides-the-outage", f"returned although the broker {state}.", "The exception of the client comes out.",
                 "Whoever calls must know that this broker is in trouble, and that the batch may come again.")


def _down(bench, call):
    with _told("was not there"):
        call(bench.unreachable(), 4, _Store())
    with bench.broker.expendable() as victim, victim.client(socket_timeout=0.1) as hasty:
        hasty.ping()
        victim.pause()
        try:
            with _told("did not answer in time"):
                call(hasty, 4, _Store())
        finally:
            victim.resume()
        bench.flush()
        _fill(victim.client(), 4)

        def store_and_hang(clicks):
            victim.pause()
            return [None] * len(clicks)

        try:
            with _told("did not answer XACK in time"):
                call(hasty, 4, store_and_hang)
        finally:
            victim.resume()


# ---------------------------------------------------------------- stretch


@lab.task(
    hints=[
        "Too slow: shrink by a factor. Fast enough: grow a little. How often is it too slow then?",
        "Or: if a send of b took s seconds, about how many items take target seconds?",
        "Aim a little below the target, so that a few percent of noise do not exceed it.",
    ],
    broker=False,
)
def BatchSize(answer, bench):
    runs = 0
    for target, most in ((0.02, 1000), (0.1, 300)):
        for costs in ([(0.001, 0.0001), (0.001, 0.0004), (0.004, 0.00005)], [(0.0005, 0.002)], [(0.005, 0.00001)]):
            _regimes(answer(target, most), target, most, costs, random.Random(runs))
            runs += 1
    for alpha in (0.05, 0.5):
        size = answer(0.02, 1000)
        sizes = [_next(size, 1000)]
        for _ in range(300):
            size.sent(sizes[-1], alpha + 0.001 * sizes[-1])
            sizes.append(_next(size, 1000))
        if max(sizes[200:]) > 2:
            raise NotYet("too-slow", f"sent batches of {max(sizes[200:])} although one item takes {alpha} s, with a "
                         "target of 0.02 s.", "1: the smallest there is.")
        size.sent(1, 0.001)
    return f"{runs} runs, changing costs"


def _next(size, most):
    b = number(size.next(), "the size")
    if b != int(b) or not 1 <= b <= most:
        raise NotYet("out-of-range", f"returned {b:g} from next.", f"A whole number from 1 to {most}.")
    return int(b)


def _regimes(size, target, most, costs, rng):
    for alpha, beta in costs:
        best = max(1, min(most, int((target - alpha) / beta)))
        late, total = 0, 0
        for n in range(500):
            b = _next(size, most)
            seconds = (alpha + beta * b) * rng.uniform(0.97, 1.03)
            size.sent(b, seconds)
            if n >= 200:
                late += seconds > target
                total += b
        case = f"with alpha = {alpha * 1e3:g} ms, beta = {beta * 1e6:g} µs and a target of {target * 1e3:g} ms"
        if late > 30 and best > 1:
            raise NotYet("too-slow", f"let {late} of 300 sends take longer than the target, {case}.",
                         "At most one in ten.", "What exceeds the target is what customers notice.")
        if total / 300 < best / 2:
            raise NotYet("too-small", f"sent {total / 300:.0f} items at a time on average, {case}.",
                         f"At least half of the best size, {best}.",
                         "Each send costs alpha. What was slow once need not stay slow: try again.")
