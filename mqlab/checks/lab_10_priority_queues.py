"""Checks of lab 10: a bounded priority queue, turns by weight, ageing without rewriting, and turns between tenants."""

from __future__ import annotations

import itertools
import math
import random
from unittest import mock

import redis

from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.sweeps import crash_sweep, interleave, race, values
from mqlab.checks.traced import Hook, traced_client
from mqlab.faults import FakeClock

lab = Lab("10-priority-queues")
STRETCH = ("TenantFair",)
KEY = "kiosk:lab"
ODD = ("", "a:b:c", '{"id": 7, "to": "Grüße"}', "0000000001:x", " two\nlines ", "None", "a", "a")


# ---------------------------------------------------------------- what the queues have in common


def _message(got):
    """What a pop returned: a string, or None."""
    if got is not None and not isinstance(got, str):
        raise NotYet("not-a-message", f"returned {got!r:.60} (of type {type(got).__name__}) from pop.",
                     "pop returns the message, a string, or None if nothing waits.")
    return got


def _drain(take, r, most=400) -> list:
    """All that waits. Raises NotYet when it never ends."""
    got = []
    while (message := take(r)) is not None:
        got.append(message)
        if len(got) > most:
            raise NotYet("never-empty", f"went on returning messages: {got[:3]} … after {most} pops.",
                         "Each message is popped once, then pop returns None.")
    return got


class _Recorder(Hook):
    """What a client sent and got: commands, their arguments, the elements of the replies, the last error."""

    def __init__(self):
        self.commands = self.arguments = self.values = 0
        self.error = ""

    def before(self, connection, step):
        self.commands += len(step.commands)
        self.arguments += sum(map(len, step.commands))
        return step

    def after(self, connection, step, reply):
        if isinstance(reply, redis.ResponseError):
            self.error = f" The broker said: {str(reply)[:120]}"
        self.values += _elements(reply)


def _elements(reply) -> int:
    if isinstance(reply, dict):
        return sum(map(_elements, reply.values())) + len(reply)
    return sum(map(_elements, reply)) if isinstance(reply, (list, tuple, set)) else 1


def _basics(bench, put, take):
    """Nothing is there at first; what goes in comes out, unchanged."""
    recorder = _Recorder()
    r = traced_client(bench.broker.url, recorder)
    if (got := take(r)) is not None:
        raise NotYet("not-a-message", f"popped {got!r} from an empty queue.", "None: nothing waits.")
    put(r, "a")
    if (got := take(r)) != "a":
        raise NotYet("loses-messages", f"popped {got!r} after a push of 'a' into the empty queue.{recorder.error}",
                     "'a' comes out.")
    for message in ODD:
        put(r, message)
    got = _drain(take, r)
    if sorted(got) == sorted(set(ODD)):
        raise NotYet("equal-are-one", f"made one message of two equal ones: {len(ODD)} pushed, {len(got)} popped.",
                     "Two orders with the same text are two messages.",
                     "A member of a set is there once. Adding it again only moves it.")
    if sorted(got) != sorted(ODD):
        wrong = [m for m in ODD if m not in got] or [m for m in got if m not in ODD]
        raise NotYet("changes-messages", f"lost or changed a message: {wrong[0]!r} was pushed, {len(got)} of "
                                         f"{len(ODD)} "
                     "messages came out, " + ", ".join(map(repr, got[:4])) + " …" + recorder.error,
                     "Messages are any text, empty text included, and come out as they went in.",
                     "What you add to a message you must be able to take off again, whatever it contains.")


def _out_of_order(pushed, got):
    if got == sorted(got) or got == sorted(got, reverse=True) and len(set(got)) > 2:
        raise NotYet("ties-by-name", f"let messages of one level out by their text: {', '.join(map(repr, got[:4]))} …",
                     f"In the order of the pushes: {', '.join(map(repr, pushed[:4]))} …",
                     "Members of a sorted set that have equal scores are ordered by their bytes.")
    if got == pushed[::-1]:
        raise NotYet("last-in-first-out", "let the youngest message of a level out first.", "The oldest one first.",
                     "Under load the oldest would wait for ever.")
    raise NotYet("loses-order", f"popped messages of one level as {', '.join(map(repr, got[:6]))} …",
                 f"In the order of the pushes: {', '.join(map(repr, pushed[:6]))} …")


def _in_order(bench, put, take):
    bench.flush()
    pushed = [f"job:{letter}" for letter in "hbgcfaed"]  # by their bytes they are in another order
    for message in pushed:
        put(bench.r, message)
    if (got := _drain(take, bench.r)) != pushed:
        _out_of_order(pushed, got)
    bench.flush()
    for message in pushed[:4]:
        put(bench.r, message)
    got = [take(bench.r), take(bench.r)]
    for message in pushed[4:]:
        put(bench.r, message)
    if (got := got + _drain(take, bench.r)) != pushed:
        raise NotYet("loses-order", f"popped {', '.join(map(repr, got[:6]))} … when two pops came between the pushes.",
                     f"In the order of the pushes: {', '.join(map(repr, pushed[:6]))} …",
                     "What came later must never get a smaller number, whatever was popped meanwhile.")


def _lasts(bench, put, take, stock="abcd", order="abcd"):
    """Nothing runs out by itself. As if much time went by: keys that have a lifetime are deleted."""
    bench.flush()
    for message in stock[:-1]:
        put(bench.r, message)
    got = [take(bench.r)]
    mortal = [key for key in bench.r.scan_iter(f"{KEY}*") if bench.r.pttl(key) >= 0]
    for key in mortal:
        bench.r.delete(key)
    put(bench.r, stock[-1])
    try:
        got += _drain(take, bench.r)
    except NotYet as failure:  # half of something is left
        got.append(f"what is no message (it {failure.did[:60]})")
    if got != list(order) and mortal:
        raise NotYet("expires", f"gave {mortal[0]} a lifetime. When that was over, {got} came out.", f"{list(order)}.",
                     "The queue lives for years, and a message may wait longer than any lifetime.")


def _by_the_broker(bench, put, take):
    """The order is that of the broker: the clocks of those who push may differ, and go back."""
    bench.flush()
    times = itertools.count(1_764_000_000, -1)
    pushed = [f"m{n}" for n in range(5)]
    with (mock.patch("time.time", lambda: float(next(times))), mock.patch("time.time_ns", lambda: next(times) * 10**9)):
        for message in pushed:
            put(bench.r, message)
    if (got := _drain(take, bench.r)) != pushed:
        raise NotYet("trusts-its-clock", f"popped {got} of {pushed}, pushed by processes whose clocks differ.",
                     "In the order in which the broker got them.",
                     "Clocks of two machines differ by milliseconds, and NTP sets them back.")


def _honest_when_down(bench, put, take):
    """No broker, a broker that does not answer, one that refuses to write: the caller hears of it."""

    def told(call, name, state):
        try:
            got = call()
        except redis.RedisError:
            return
        raise NotYet("hides-the-outage", f"returned {got!r} from {name} although the broker {state}.",
                     "The exception of the client comes out.",
                     "None means that all is well: the message is stored, or nothing waits. Nobody knows either.")

    told(lambda: put(bench.unreachable(), "a"), "push", "was not there")
    told(lambda: take(bench.unreachable()), "pop", "was not there")
    with bench.broker.expendable() as victim, victim.client(socket_timeout=0.1) as hasty:
        hasty.ping()
        victim.pause()
        told(lambda: put(hasty, "a"), "push", "did not answer in time")
        told(lambda: take(hasty), "pop", "did not answer in time")
    bench.r.config_set("maxmemory", 1)
    try:
        told(lambda: put(bench.r, "a"), "push", "refused to write (OOM)")
    finally:
        bench.r.config_set("maxmemory", 0)
    bench.flush()


def _billion(bench, put, take):
    """As if many messages had come and gone: counters that a push moves by one, and a pop does not, are set forward."""
    for digits in (3, 4, 5, 6, 9):
        bench.flush()
        put(bench.r, "first")
        _set_forward(bench, put, take, 10**digits - 2)
        pushed = ["second", "d", "c", "b", "a"]
        for message in pushed[1:]:
            put(bench.r, message)
        if (got := _drain(take, bench.r)) != pushed:
            raise NotYet("runs-out-of-digits", f"lost the order where its counter reaches {10**digits:,}: {got}.",
                         f"In the order of the pushes: {pushed}.",
                         "As text, 10 comes before 9. And what exceeds its digits runs into its neighbour.")


def _set_forward(bench, put, take, target):
    """Push "second", pop the first message, and set the counters of pushes to `target`."""
    before = _counters(bench.r)
    put(bench.r, "second")
    pushed = _counters(bench.r)
    take(bench.r)
    for (key, field), value in _counters(bench.r).items():
        if before.get((key, field)) == value - 1 and pushed[key, field] == value:
            bench.r.set(key, target) if field is None else bench.r.hset(key, field, target)


def _counters(r) -> dict:
    found = {}
    for key in r.scan_iter(f"{KEY}*"):
        kind = r.type(key)
        texts = {None: r.get(key)} if kind == "string" else r.hgetall(key) if kind == "hash" else {}
        found |= {(key, field): int(text) for field, text in texts.items() if text.isdigit()}
    return found


def _cheap(bench, put, take, count=120):
    """Neither push nor pop may touch all that waits; nothing is left when all is popped."""
    for n in range(count):
        put(bench.r, f"m{n}")
    _few(bench, lambda r: (put(r, "x"), take(r)), count)
    _drain(take, bench.r)
    _nothing_left(bench, count)


def _few(bench, push_and_pop, count):
    recorder, calls = _Recorder(), _calls(bench.r)
    push_and_pop(traced_client(bench.broker.url, recorder))
    inside = _calls(bench.r) - calls  # scripts included
    if recorder.arguments > count or inside > count / 2:
        raise NotYet("rewrites-all", f"went through the messages for one push and one pop: {inside} commands in the "
                                     f"broker, "
                     f"{recorder.arguments} arguments sent, with {count} messages waiting.",
                     "A few commands, however many wait.", "With 100,000 waiting, each pop would cost 100,000 "
                                                           "commands.")
    if recorder.values > count / 2:
        raise NotYet("reads-everything", f"fetched {recorder.values} values for one push and one pop, {count} "
                                         f"messages waiting.",
                     "It asks the broker for the first message.",
                     "With 100,000 waiting, each pop would carry them all over the network.")


def _nothing_left(bench, count):
    left = sum(_size(bench.r, key) for key in bench.r.scan_iter(f"{KEY}*"))
    if left > 40:
        raise NotYet("leaves-behind", f"left {left} values in the broker when all {count} messages were popped.",
                     "A counter or two may stay.", "The queue lives for years, and the broker's memory is finite.")


def _calls(r) -> int:
    return sum(row["calls"] for row in r.info("commandstats").values())


def _size(r, key) -> int:
    size = {"hash": r.hlen, "list": r.llen, "set": r.scard, "zset": r.zcard, "stream": r.xlen}.get(r.type(key))
    return size(key) if size else 1


def _once_each(bench, put, take, prepared=("a", "b")):
    """Pops and pushes in every order of their commands, and killed at each."""

    def stock(*messages):
        def prepare(r):
            for message in messages:
                put(r, message)

        return prepare

    def agree(start, pushed=()):
        def verify(r, results):
            got = values(results)[: 2 - len(pushed)]
            out = sorted([m for m in got if m is not None] + _drain(take, r))
            if out == sorted([*start, *pushed]):
                return
            if len(out) > len(start) + len(pushed):
                raise NotYet("popped-twice", f"let a message out twice, with two processes at work: {out}.",
                             "Each message is popped once.",
                             "Between the look at the first message and its removal, the other one looked as well.")
            raise NotYet("stranded", f"left a message where no pop finds it: only {out} came out.",
                         f"All come out: {sorted([*start, *pushed])}.",
                         "Between two of your commands somebody else changed what the first one had seen.")

        return verify

    def half(start, most):
        def verify(r, result):
            out, rest = _drain(take, r), start[1:] if most else start
            if [m for m in out if m != "n"] not in (rest, start):
                raise NotYet("loses-in-a-crash", f"was killed in the middle of a {'pop' if most else 'push'}; "
                             f"of {start} only {out} came out afterwards.",
                             "At most the one message that was about to be returned goes with the process."
                             if most else "What waited before still waits, in its order.",
                             "What one step has torn apart, the next step of a dead process does not mend.")

        return verify

    start = list(prepared)
    tried = interleave(bench, stock("a"), [take, take], agree(["a"]), limit=20)
    tried += interleave(bench, stock(*start), [take, take], agree(start), limit=20)
    tried += interleave(bench, stock("a"), [take, lambda r: put(r, "n")], agree(["a"], ["n"]), limit=20)

    def nobody(r):
        """Comes to help."""

    def later(r, result):
        put(r, "later")
        if (out := _drain(take, r)) not in (["later"], ["n", "later"]):
            raise NotYet("stranded", f"was killed in the middle of a push; the next message that was pushed never "
                                     f"came out: {out}.",
                         "It comes out, after the first one if that was stored.",
                         "Half of a push must not look to the next one as if all of it had been done.")

    points = crash_sweep(bench, stock(*start), lambda r: put(r, "n"), nobody, half(start, 0))
    points += crash_sweep(bench, stock(), lambda r: put(r, "n"), nobody, later)
    points += crash_sweep(bench, stock(*start), take, nobody, half(start, 1))

    def both_get_one(r, results):
        if None in (got := values(results)):
            raise NotYet("none-too-soon", f"returned {got} from two pops, while {len(start)} messages waited.",
                         "None means that nothing waits.",
                         "That somebody else was faster is a reason to look again, not to give up.")

    tried += interleave(bench, stock(*start), [take, take], both_get_one, limit=20)
    bench.flush()
    stock(*[f"m{n}" for n in range(40)])(bench.r)
    got = [m for some in values(race(bench, 5, lambda i, r: [take(r) for _ in range(8)])) for m in some]
    if sorted(map(str, got)) != sorted(f"m{n}" for n in range(40)):
        raise NotYet("popped-twice", f"gave 5 processes {len(set(got) - {None})} different messages of 40.",
                     "Each message is popped once.", "All may look before the first has removed anything.")
    return tried, points


# ---------------------------------------------------------------- task 1


class _Model:
    """The bounded queue, on paper."""

    def __init__(self, bound):
        self.bound, self.waiting, self.count = bound, [], 0

    def push(self, message, level):
        self.count += 1
        self.waiting.append((level, self.count, message))
        self.waiting.sort()
        return self.waiting.pop()[2] if len(self.waiting) > self.bound else None

    def pop(self):
        return self.waiting.pop(0)[2] if self.waiting else None


@lab.task(
    hints=[
        "A sorted set orders by score, and equal scores by the bytes of the member. What must stand at the front of "
        "a member?",
        "INCR gives every message a number. As text, numbers are in order only if they are equally long.",
        "ZPOPMIN takes the first member in one step. ZPOPMAX takes the last: which message is that?",
        "push numbers, adds, counts and drops. All of it has to be one step: one Lua script does it.",
    ],
    limit=30,
)
def PrioQueue(answer, bench):
    def at(level, bound=10_000):
        return (lambda r, m: answer(r, KEY, bound).push(m, level)), (lambda r: _message(answer(r, KEY, bound).pop()))

    _basics(bench, *at(0))
    _levels(answer, bench)
    for level in (0, 9):
        try:
            _in_order(bench, *at(level))
        except NotYet as failure:
            if level == 0:
                raise
            raise NotYet("score-too-coarse", f"kept the order at level 0 and lost it at level 9: {failure.did}",
                         failure.should, "A score is a float of 53 bits. The larger it is, the coarser its "
                                         "steps.") from None
    _every_overflow(answer, bench)
    _room_again(answer, bench)
    _billion_at_levels(bench, at)
    _random_walk(answer, bench)
    _by_the_broker(bench, *at(0))
    _lasts(bench, *at(4))
    _honest_when_down(bench, *at(4))
    bench.flush()
    _cheap(bench, *at(4))
    tried, points = _once_each(bench, *at(4))
    tried += _bound_in_every_order(answer, bench)
    points += _bound_in_a_crash(answer, bench)
    return f"81 overflows, 250 random steps, {tried} interleavings, {points} crash points"


def _levels(answer, bench):
    queue = answer(bench.r, KEY, 100)
    for message, level in (("a", 5), ("b", 0), ("c", 9), ("d", 5), ("e", 0)):
        if (gone := queue.push(message, level)) is not None:
            raise NotYet("wrong-return", f"returned {gone!r} from push, with room for 100.", "None: nothing had to go.")
    got = _drain(lambda r: _message(queue.pop()), bench.r)
    did, should = f"popped {''.join(map(str, got))} of a5 b0 c9 d5 e0.", "b, e, a, d, c: level 0 is the most urgent."
    if got[0] == "c":
        raise NotYet("wrong-direction", did, should,
                     "In Redis, Celery and BullMQ small is urgent, in RabbitMQ large. One has to know, and to test.")
    if got == list("abcde"):
        raise NotYet("ignores-levels", did, should)
    if sorted(got[:2]) != ["b", "e"] or sorted(got[2:4]) != ["a", "d"] or len(got) != 5:
        raise NotYet("wrong-levels", did, should)


def _room_again(answer, bench):
    bench.flush()
    queue = answer(bench.r, KEY, 3)
    first = [queue.push(message, 5) for message in "ab"]
    popped = [_message(queue.pop()) for _ in range(2)]
    then = [queue.push(message, 5) for message in "cde"]
    if any(first + then) or popped != ["a", "b"]:
        raise NotYet("counts-what-is-gone", f"returned {then} from three pushes with bound=3, after two messages had "
                                            f"come and gone.",
                     "None, three times: three have room.", "The bound is about what waits now.")


def _every_overflow(answer, bench):
    """Bound 2, and every way to push four messages at levels 0, 5 and 9. An empty message can go as well."""
    for levels in sorted(itertools.product((0, 5, 9), repeat=4), key=lambda levels: -len(set(levels))):
        bench.r.delete(*bench.r.scan_iter(f"{KEY}*"), "none")
        queue, model = answer(bench.r, KEY, 2), _Model(2)
        pushed = [f"{name}{level}" for name, level in zip("abcd", levels, strict=True)]
        got = [queue.push(m, level) for m, level in zip(pushed, levels, strict=True)]
        expected = [model.push(m, level) for m, level in zip(pushed, levels, strict=True)]
        left, right = _drain(lambda r: _message(queue.pop()), bench.r), [m[2] for m in model.waiting]  # noqa: B023
        if got == expected and left == right:
            continue
        did = f"pushed {' '.join(pushed)} with bound=2: push returned {got}, and then {left} came out."
        should = f"push returns {expected}, and {right} come out."
        if any(got[:2]):
            raise NotYet("one-too-few", did, should, "Two have room at bound=2, whatever their levels.")
        if len(left) > 2:
            raise NotYet("no-bound", did, should, "Without a bound a long outage fills the broker's memory.")
        if left == right and not any(got):
            raise NotYet("drops-silently", did, should, "Whoever pushed is the only one who can still do something "
                                                        "about it.")
        if sorted(left) == sorted(pushed[:2]) or got[2:] == pushed[2:]:
            raise NotYet("refuses-the-urgent", did, should, "A full queue of trifles must not keep the urgent "
                                                            "message out.")
        if str(min(levels)) not in [m[1] for m in left]:
            raise NotYet("drops-the-urgent", did, should,
                         "In a priority queue the head is the most important message.")
        if left != right and sorted(m[1] for m in left) == sorted(m[1] for m in right):
            raise NotYet("drops-the-oldest", did, should, "Who has waited longest in its level is the next to be "
                                                          "served.")
        raise NotYet("wrong-victim", did, should, "The youngest message of the least urgent level has to go.")
    bench.flush()
    queue = answer(bench.r, KEY, 1)
    got = [queue.push("", 5), queue.push("a", 0)]
    if got != [None, ""]:
        raise NotYet("drops-silently", f"returned {got} from two pushes at bound=1: '' at 5, then 'a' at level 0.",
                     "[None, '']: the empty message had to go.", "None says that no message had to go.")


def _random_walk(answer, bench):
    bench.flush()
    queue, model = answer(bench.r, KEY, 20), _Model(20)
    for n in range(250):
        if bench.rng.random() < 0.6:
            message, level = f"m{bench.rng.randrange(500)}", bench.rng.randrange(10)
            got, expected, call = queue.push(message, level), model.push(message, level), f"push({message!r}, {level})"
        else:
            got, expected, call = _message(queue.pop()), model.pop(), "pop()"
        if got != expected:
            raise NotYet("wrong-in-the-long-run", f"returned {got!r} from {call}, step {n + 1} of a random sequence "
                                                  f"with bound=20.",
                         f"{expected!r}.")


def _billion_at_levels(bench, at):
    _billion(bench, *at(0))
    (put5, _), (put4, take) = at(5), at(4)
    for digits in (6, 9):
        bench.flush()
        put5(bench.r, "less urgent")
        put4(bench.r, "a")
        _set_forward(bench, put4, take, 10**digits - 1)
        for message in "bc":
            put4(bench.r, message)
        got = _drain(take, bench.r)
        if got != ["second", "b", "c", "less urgent"]:
            raise NotYet("runs-out-of-digits", f"let level 5 pass level 4 after {10**digits:,} messages: {got}.",
                         "Level 4 first, however many messages there were.",
                         "What exceeds its digits runs into its neighbour.")


def _bound_in_every_order(answer, bench):
    def push(message, level, bound):
        return lambda r: answer(r, KEY, bound).push(message, level)

    def kept(bound, start, pushed):
        def verify(r, results):
            gone = [m for m in values(results) if m is not None]
            left = _drain(lambda r: _message(answer(r, KEY, bound).pop()), r)
            if len(left) > bound:
                raise NotYet("overshoots-bound", f"let {len(left)} messages wait at bound={bound}: {left}.",
                             "At no moment are there more.", "Two processes saw the same room.")
            if sorted(left + gone) != sorted(start + pushed):
                raise NotYet("drops-in-a-race", f"returned {gone} as dropped, and {left} came out, of "
                                                f"{start + pushed}.",
                             "What does not come out was returned by a push.",
                             "Between the count and the removal somebody else changed the queue.")
            if sorted(left) != sorted((start + pushed), key=lambda m: m[-1])[:bound]:
                raise NotYet("wrong-victim-in-a-race", f"kept {left} of {start + pushed} (name and level), at "
                                                       f"bound={bound}.",
                             "The most urgent ones.", "Between the look at the last message and its removal it was "
                                                      "another one.")

        return verify

    def full(r):
        for message, level in (("x5", 5), ("y9", 9)):
            answer(r, KEY, 2).push(message, level)

    tried = interleave(bench, lambda r: None, [push("a5", 5, 1), push("b5", 5, 1)], _one_left(answer), limit=20)
    verify = kept(2, ["x5", "y9"], ["c0", "d1"])
    tried += interleave(bench, full, [push("c0", 0, 2), push("d1", 1, 2)], verify, limit=20)

    def pop(r):
        return _message(answer(r, KEY, 9).pop())

    def urgent_first(r, results):
        got = values(results)[0]
        if got == "v":
            raise NotYet("urgent-overlooked", "popped v, of level 5, that was pushed while u, of level 0, was waiting.",
                         "u, or None if it looked before both.",
                         "Who looks at one level after the other has not seen all of them at the same moment.")

    both = [pop, lambda r: (push("u", 0, 9)(r), push("v", 5, 9)(r))]
    return tried + interleave(bench, lambda r: None, both, urgent_first, limit=30)


def _one_left(answer):
    def verify(r, results):
        gone = [m for m in values(results) if m is not None]
        left = _drain(lambda r: _message(answer(r, KEY, 1).pop()), r)
        if len(left) > 1:
            raise NotYet("overshoots-bound", f"let {len(left)} messages wait at bound=1.", "At no moment are there "
                                                                                           "more.",
                         "Two processes saw the same room.")
        if len(left) != 1 or sorted(left + gone) != ["a5", "b5"]:
            raise NotYet("drops-in-a-race", f"returned {gone} as dropped, and {left} came out, of a5 and b5 at "
                                            f"bound=1.",
                         "One waits, the other one was returned.",
                         "Between the count and the removal somebody else changed the queue.")

    return verify


def _bound_in_a_crash(answer, bench):
    def full(r):
        for message in ("a", "b"):
            answer(r, KEY, 2).push(message, 5)

    def nobody(r):
        """Comes to help."""

    def still_two(r, result):
        left = _drain(lambda r: _message(answer(r, KEY, 2).pop()), r)
        if len(left) > 2:
            raise NotYet("overshoots-bound", f"left {len(left)} messages at bound=2, as its process was killed.",
                         "At no moment are there more.", "Whoever adds first and counts then may not come to count.")
        if left not in (["a", "b"], ["c", "a"]):
            raise NotYet("loses-in-a-crash", f"left {left}: it was killed when it pushed c, at level 0, into the "
                                             f"full queue "
                         "of a and b.", "Either a, b, or c, a.",
                         "Whoever makes room first and adds then may not come to add.")

    def room_for_two(r, result):
        gone = [answer(r, KEY, 2).push(message, 5) for message in "cd"]
        left = _drain(lambda r: _message(answer(r, KEY, 2).pop()), r)
        if len(left) < 2:
            raise NotYet("bound-shrinks", f"was killed in the middle of a pop; from then on {len(left)} message had "
                                          f"room at bound=2: the next two pushes returned {gone}.", "Two have room.",
                         "A count that is kept beside the queue is wrong for ever after such a death.")

    points = crash_sweep(bench, full, lambda r: answer(r, KEY, 2).push("c", 0), nobody, still_two)
    return points + crash_sweep(bench, full, lambda r: answer(r, KEY, 2).pop(), nobody, room_for_two)


# ---------------------------------------------------------------- task 2

FIXED = [{"express": 3, "standard": 1}, {"a": 1}, {"a": 5, "b": 1, "c": 1}, {"a": 1, "b": 1, "c": 1}, {"a": 4, "b": 4},
         {"a": 1, "b": 20}, {"a": 8, "b": 2, "c": 2}]


@lab.task(
    hints=[
        "Give every class a credit. In each turn all that are there earn something, and who is chosen pays.",
        "If in each turn all together earn as much as the chosen one pays, the credits always add up to the same.",
        "Who is away earns nothing, and what the others share out is only their own weight.",
    ],
    broker=False,
)
def SmoothWRR(answer, bench):
    def turn(chooser, here):
        given = set(here)
        got = chooser.next(given)
        if given != set(here):
            raise NotYet("changes-its-input", "changed the set that it was given.", "It only looks at it.")
        if not here and got is not None:
            raise NotYet("serves-nobody", f"returned {got!r} when nothing waits.", "None.")
        if here and got not in here:
            raise NotYet("idles", f"returned {got!r} when {sorted(here)} had something waiting.", "A class that waits.",
                         "A worker that stands idle for a class that has nothing wastes the turn of somebody who "
                         "waits.")
        return got

    weighted = FIXED + [{name: bench.rng.randint(1, 20) for name in
                         "abcdef"[: bench.rng.randint(2, 6)]} for _ in range(60)]
    for weights in weighted:
        _exact(answer, turn, weights)
    for weights in weighted:
        if len(weights) > 1:
            _away(answer, turn, weights, bench.rng)
    pair = answer({"a": 1, "b": 1}), answer({"a": 1, "b": 1})
    got = [(turn(pair[0], "ab"), turn(pair[1], "ab")) for _ in range(4)]
    if any(sorted(turns) != ["a", "a", "b", "b"] for turns in zip(*got, strict=True)):
        raise NotYet("shared-state", f"gave two instances, called in turn, the turns "
                                     f"{[''.join(t) for t in zip(*got, strict=True)]}.",
                     "Each has a and b twice.", "Each of them counts for itself.")
    _come_and_go(answer, turn)
    turn(pair[0], "")
    return f"{len(weighted)} sets of weights"


def _exact(answer, turn, weights):
    total, chooser = sum(weights.values()), answer(dict(weights))
    turns = [turn(chooser, set(weights)) for _ in range(3 * total)]
    for start in range(0, 3 * total, total):
        counts = {name: turns[start : start + total].count(name) for name in weights}
        did = f"gave {counts} of turns {start + 1} to {start + total} to weights {weights}."
        if 0 in counts.values():
            raise NotYet("starves", did, "As many turns as the weight says.",
                         "Strict priority is not a rotation: the low class never gets its turn.")
        if counts != weights:
            raise NotYet("wrong-share", did, "As many turns as the weight says.",
                         "On average is not enough: short runs count as well.")
    for name, weight in weights.items():
        places = [i for i, got in enumerate(turns) if got == name]
        apart, most = max(b - a for a, b in itertools.pairwise(places)), 2 * math.ceil(total / weight)
        if apart > most:
            raise NotYet("in-blocks", f"made {name!r}, weight {weight} of {total}, wait {apart} turns: "
                         f"{' '.join(map(str, turns[:16]))} …", f"Its turns are at most {most} apart.",
                         "A block of one class is a burst for its workers and a pause for all others.")


def _away(answer, turn, weights, rng):
    """One class is away for a while, then it returns."""
    total, gone = sum(weights.values()), rng.choice(sorted(weights))
    rest, chooser = set(weights) - {gone}, answer(dict(weights))
    for _ in range(rng.randrange(2 * total)):
        turn(chooser, set(weights))
    part = sum(weights[name] for name in rest)
    meanwhile = [turn(chooser, rest) for _ in range(10 * part)]
    for name in rest:
        if abs(meanwhile.count(name) - 10 * weights[name]) > 3:
            raise NotYet("wrong-share-of-the-rest", f"gave {name!r} {meanwhile.count(name)} of {10 * part} turns "
                                                    f"while {gone!r} "
                         f"was away; weights {weights}.", f"About {10 * weights[name]}: in the ratio of the weights.",
                         "The turns of one who is away go to the others in their ratio, not all to the next one.")
    back = [turn(chooser, set(weights)) for _ in range(total)].count(gone)
    if back > weights[gone] + 1:
        raise NotYet("saves-up", f"gave {gone!r}, weight {weights[gone]} of {total}, {back} of the first {total} "
                                 f"turns after it "
                     f"had been away for {10 * part} turns.", f"At most {weights[gone] + 1}.",
                     "Whoever had nothing to do has no claim. A day's worth of saved turns would starve all others.")
    if back < weights[gone] - 1:
        raise NotYet("punishes-absence", f"gave {gone!r}, weight {weights[gone]} of {total}, {back} of the first "
                                         f"{total} turns "
                     "after it had been away.", f"At least {weights[gone] - 1}.", "To be idle is no debt.")


def _come_and_go(answer, turn):
    chooser = answer({"a": 2, "b": 1, "c": 1})
    turns = [turn(chooser, "ab" if n % 2 else "ac") for n in range(400)]
    for name, there, least, part in (("b", 200, 20, "1/3"), ("c", 200, 20, "1/3"), ("a", 400, 130, "2/3")):
        if turns.count(name) < least:
            raise NotYet("forgets-credit" if name != "a" else "returns-in-front",
                         f"gave {name!r} {turns.count(name)} of the {there} turns in which it was there. The weights "
                         "are 2, 1, 1; a was always there, b and c in turn.", f"A fair share, about {part}.",
                         "Queues run empty and fill again all the time. If each change starts anew, the heaviest "
                         "always wins." if name != "a" else
                         "Queues run empty and fill again all the time. If a return is worth a turn, the others lose.")
    chooser = answer({"a": 3, "b": 1})
    turns = [(turn(chooser, "ab"), turn(chooser, ""))[0] for _ in range(40)]
    if turns.count("b") != 10:
        raise NotYet("empty-counts", f"gave b, weight 1 beside a of weight 3, {turns.count('b')} of 40 turns, with a "
                                     "call for an empty set after each.", "10: such a call is no turn.",
                     "A worker that finds nothing asks again and again.")


# ---------------------------------------------------------------- task 3


@lab.task(
    hints=[
        "Write down the urgency of two messages at the time t. Which of the terms are the same for both?",
        "prio − alpha · (t − t0), divided by alpha, without what is the same for all: what remains never changes.",
        "Equal scores are ordered by the bytes of the member: put a number of equal length in front. See task 1.",
    ],
    limit=30,
)
def AgeingQueue(answer, bench):
    clock = FakeClock(start=1.764e9)
    calls = []

    def now():
        calls.append(1)
        return clock.now()

    def at(prio, alpha=0.5):
        return ((lambda r, m: answer(r, KEY, alpha, now).push(m, prio)),
                (lambda r: _message(answer(r, KEY, alpha, now).pop())))

    _basics(bench, *at(4))
    _first_of_two(answer, bench, clock, now, calls)
    for prio, alpha in ((0, 1.0), (9, 0.001), (9, 10.0)):
        _in_order(bench, *at(prio, alpha))
    _billion_at_levels(bench, at)
    _ages_as_on_paper(answer, bench, clock, now)
    _by_the_broker(bench, *at(4))
    _lasts(bench, *at(4))
    _honest_when_down(bench, *at(4))
    bench.flush()
    _cheap(bench, *at(4))
    tried, points = _once_each(bench, *at(4))
    tried += _two_ages(bench, clock, at)
    return f"36 races of two ages, 600 random steps, {tried} interleavings, {points} crash points"


def _first_of_two(answer, bench, clock, now, calls):
    """An old message of prio p against a new one of prio 0, just before and just after its age makes up for p."""

    def race_of(prio, alpha, after):
        bench.flush()
        queue = answer(bench.r, KEY, alpha, now)
        queue.push("old", prio)
        clock.sleep(after)
        queue.push("new", 0)
        return [_message(queue.pop()), _message(queue.pop())]

    if race_of(5, 0.5, 0.0) == ["old", "new"]:
        raise NotYet("wrong-direction", "let prio 5 out before prio 0, pushed at the same time.", "0 is the most "
                                                                                                  "urgent.",
                     "The smallest prio − alpha · wait comes first.")
    if not calls:
        raise NotYet("own-clock", "never asked clock() for the time.", "All times are those of clock().",
                     "Processes whose clocks differ disagree on who came first; and nobody can test it.")
    if race_of(5, 0.5, 1000.0) == ["new", "old"]:
        raise NotYet("starves", "let prio 0 pass a message of prio 5 that had been waiting for 1,000 s, with "
                                "alpha=0.5.",
                     "After 10 s no new message passes it.",
                     "Without ageing a flood of urgent messages starves the others for as long as it lasts.")
    for prio, alpha in itertools.product((1, 5, 9), (0.01, 0.5, 1.0, 2.0, 9.0, 50.0)):
        for share, first in ((0.9, "new"), (1.1, "old")):
            wait = share * prio / alpha
            got = race_of(prio, alpha, wait)
            if got[0] != first or None in got:
                raise NotYet("wrong-rate", f"popped {got} where 'old' has prio {prio} and has waited {wait:.4g} s, "
                                           f"'new' has prio 0 "
                             f"and came just now, alpha={alpha:g}.", f"{first!r} first: 'old' has {prio} − {alpha:g} "
                                                                     f"· {wait:.4g} = "
                             f"{prio - alpha * wait:+.3g}, 'new' has 0.",
                             "alpha says how much of the priority a second of waiting is worth.")
    bench.flush()
    answer(bench.r, KEY, 0.5, now).push("old", 5)
    clock.sleep(1000.0)
    answer(bench.r, KEY, 0.5, now).push("new", 0)
    if (got := _message(answer(bench.r, KEY, 0.5, now).pop())) != "old":
        raise NotYet("start-of-its-own", f"popped {got!r}: prio 0, pushed by a process that has just started. 'old', "
                                         "prio 5, had been waiting for 1,000 s, with alpha=0.5.", "'old' first.",
                     "A time since the start of one process means nothing to another one.")


def _two_ages(bench, clock, at):
    """Two pops in every order of their commands, where the second message is of another prio than the first."""
    (put0, take), (put1, _) = at(0), at(1)

    def stock(r):
        put0(r, "x")
        put1(r, "y")
        clock.sleep(5.0)  # 2 s make up for one prio
        put0(r, "z")

    def the_first_two(r, results):
        if sorted(map(str, got := values(results))) != ["x", "y"]:
            raise NotYet("look-is-too-old", f"gave {got} to two processes, with x, y, z waiting in this order of "
                                            "urgency; y is of another prio than x and z.", "x and y.",
                         "Between the look at the first messages and the removal, somebody else took one of them.")

    return interleave(bench, stock, [take, take], the_first_two, limit=20)


def _ages_as_on_paper(answer, bench, clock, now):
    rng = random.Random(10)
    for alpha in (0.05, 0.7, 3.0):
        bench.flush()
        queue, waiting = answer(bench.r, KEY, alpha, now), []
        for n in range(200):
            clock.sleep(rng.choice((0.0, rng.uniform(0, 3))))
            if rng.random() < 0.55:
                prio = rng.randrange(10)
                queue.push(f"m{n}", prio)
                waiting.append((prio, clock.now(), n))
                continue
            got = _message(queue.pop())
            urgency = {f"m{n}": prio - alpha * (clock.now() - since) for prio, since, n in waiting}
            if not waiting and got is None:
                continue
            if got not in urgency:
                raise NotYet("loses-messages", f"popped {got!r}, with {len(waiting)} messages waiting.", "One of them.")
            mine = next(entry for entry in waiting if f"m{entry[2]}" == got)
            best = min(urgency, key=urgency.get)
            older = [f"m{entry[2]}" for entry in waiting if entry[0] == mine[0] and entry[2] < mine[2]]
            if urgency[got] > urgency[best] + 1e-4 or older:
                raise NotYet("wrong-in-the-long-run", f"popped {got}, at {urgency[got]:.3f}, with "
                                                      f"{older[0] if older else best} waiting at "
                             f"{urgency[older[0] if older else best]:.3f} (alpha={alpha:g}, step {n + 1} of a random "
                             f"sequence).",
                             "The smallest prio − alpha · wait comes first, and of equal prio the oldest.")
            waiting.remove(mine)


# ---------------------------------------------------------------- the stretch


class _Ring:
    """The queue of tenants, on paper."""

    def __init__(self, quantum):
        self.quantum, self.ring, self.taken = quantum, {}, 0

    def push(self, tenant, message):
        self.ring.setdefault(tenant, []).append(message)

    def pop(self):
        if not self.ring:
            return None
        tenant, waiting = next(iter(self.ring.items()))
        message, self.taken = waiting.pop(0), self.taken + 1
        if not waiting or self.taken == self.quantum:
            del self.ring[tenant]
            self.taken = 0
            if waiting:
                self.ring[tenant] = waiting
        return tenant, message


@lab.task(
    hints=[
        "A list per tenant, and a list of those tenants that have something waiting: the ring. When does a tenant "
        "join it?",
        "RPUSH returns the new length. If it is 1, the tenant had nothing waiting before.",
        "A pop looks at the ring, takes a message, counts, and perhaps moves the tenant. All that is one step: a Lua "
        "script.",
    ],
    limit=30,
)
def TenantFair(answer, bench):
    def at(quantum=2):
        return (lambda r, m: answer(r, KEY, quantum).push("A", m)), (lambda r: _pair(answer(r, KEY, quantum).pop(),
                                                                                     "A"))

    _basics(bench, *at())
    _flood(answer, bench)
    for quantum, tenants in ((1, "ABC"), (2, "AB"), (3, "ABCD")):
        _turns(answer, bench, quantum, tenants)
    try:
        _turns(answer, bench, 2, ["A", "A:B", "", "of", "ring"])
    except NotYet as failure:
        raise NotYet("names-collide", failure.did, failure.should,
                     "The tenants are called A, A:B, of, ring, and one has no name. With plain names all went well: "
                     "two names meet in one key, or one was cut in two.") from None
    _lasts(bench, lambda r, m: answer(r, KEY, 2).push(m[0], m),
           lambda r: (got := _pair(answer(r, KEY, 2).pop())) and got[1],
           ("A1", "A2", "A3", "B1"), ("A1", "A2", "B1", "A3"))
    _honest_when_down(bench, *at())
    bench.flush()
    _cheap(bench, *at())
    tried, points = _once_each(bench, *at(), prepared=("a", "b", "c"))
    tried += _two_tenants(answer, bench)
    points += _tenants_in_a_crash(answer, bench)
    return f"a flood of 60, 400 random steps, {tried} interleavings, {points} crash points"


def _pair(got, tenant=None):
    """The message of a pop, or with tenant=None the pair."""
    if got is None:
        return None
    if not isinstance(got, (tuple, list)) or len(got) != 2 or not all(isinstance(part, str) for part in got):
        raise NotYet("not-a-pair", f"returned {got!r:.60} from pop.", "It returns (tenant, message), or None.")
    if tenant is not None and got[0] != tenant:
        raise NotYet("wrong-tenant", f"returned {got!r:.60}, a message that tenant {tenant} pushed.", f"({tenant!r}, "
                                                                                                      f"message).")
    return tuple(got) if tenant is None else got[1]


def _flood(answer, bench):
    bench.flush()
    queue = answer(bench.r, KEY, 1)
    for n in range(60):
        queue.push("A", f"a{n}")
    for tenant in "BCD":
        queue.push(tenant, tenant.lower())
    got = [_pair(queue.pop()) for _ in range(63)]
    places = {tenant: next((i for i, pair in enumerate(got) if pair and pair[0] == tenant), 99) for tenant in "BCD"}
    if max(places.values()) > 5:
        raise NotYet("unfair", f"made B, C and D wait for {places['B']}, {places['C']} and {places['D']} others, "
                               f"behind a flood of "
                     "60 messages of A, quantum=1.", "One round: at most 4 others.",
                     "Who pushes most gets most, and one tenant's flood is everybody's delay.")
    for n in range(100):
        queue.push(f"tenant {n}", "only one")
    _few(bench, lambda r: (answer(r, KEY, 1).push("A", "x"), answer(r, KEY, 1).pop()), 100)
    _drain(lambda r: _pair(queue.pop()), bench.r)
    _nothing_left(bench, 100)


def _turns(answer, bench, quantum, tenants):
    bench.flush()
    queue, model = answer(bench.r, KEY, quantum), _Ring(quantum)
    for n in range(100):
        if bench.rng.random() < (0.6 if n % 50 < 30 else 0.3):
            tenant = bench.rng.choice(list(tenants))
            queue.push(tenant, f"{tenant.lower()}{n}")
            model.push(tenant, f"{tenant.lower()}{n}")
            continue
        before, taken = dict(model.ring), model.taken
        got, expected = _pair(queue.pop()), model.pop()
        if got != expected:
            ring = ", ".join(f"{name or repr(name)} ({len(waiting)})" for name, waiting in before.items())
            raise NotYet("wrong-turn", f"popped {got}, quantum={quantum}, step {n + 1} of a random sequence. The ring "
                                       f"was {ring or 'empty'}; {taken} of the first one's turn were taken.",
                         f"{expected}.",
                         "Up to quantum messages a turn; then to the end, or out of the ring with nothing waiting.")


def _two_tenants(answer, bench):
    def stock(*pairs):
        def prepare(r):
            for tenant, message in pairs:
                answer(r, KEY, 1).push(tenant, message)

        return prepare

    def all_out(expected):
        def verify(r, results):
            out = [_pair(got) for got in values(results) if got is not None]
            while (got := _pair(answer(r, KEY, 1).pop())) is not None and len(out) < 20:
                out.append(got)
            if sorted(out) != sorted(expected):
                raise NotYet("stranded", f"let out {sorted(out)}, with two processes at work.",
                             f"{sorted(expected)}.",
                             "A tenant that has messages and is not in the ring is never asked; one that is there "
                             "twice gets two turns.")

        return verify

    def pop(r):
        return answer(r, KEY, 1).pop()

    def push(tenant, message):
        return lambda r: answer(r, KEY, 1).push(tenant, message)

    one, two = [("A", "a1")], [("A", "a1"), ("B", "b1")]
    tried = interleave(bench, stock(*one), [pop, push("A", "a2")], all_out([*one, ("A", "a2")]), limit=20)
    tried += interleave(bench, stock(), [push("A", "a1"), push("A", "a2")], all_out([("A", "a1"), ("A",
                                                                                                   "a2")]), limit=20)
    tried += interleave(bench, stock(*two), [pop, pop], all_out(two), limit=20)
    return tried


def _tenants_in_a_crash(answer, bench):
    start = [("A", "a1"), ("B", "b1"), ("A", "a2")]

    def stock(r):
        for tenant, message in start:
            answer(r, KEY, 1).push(tenant, message)

    def nobody(r):
        """Comes to help."""

    def rest(r, result):
        out = []
        while (got := _pair(answer(r, KEY, 1).pop())) is not None and len(out) < 20:
            out.append(got)
        if sorted(out) not in (sorted(start), sorted(start[1:])):
            raise NotYet("stranded", f"was killed in the middle of a pop; of {start} only {out} came out "
                                            f"afterwards.",
                         "At most the one message that was about to be returned goes with the process.",
                         "A tenant that was taken out of the ring and not put back is never asked again.")

    points = crash_sweep(bench, stock, lambda r: answer(r, KEY, 1).pop(), nobody, rest)
    return points
