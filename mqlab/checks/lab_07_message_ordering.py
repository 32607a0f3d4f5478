"""Checks of lab 07: lanes, a resequencer, contiguous commits, an executor per key, and a single active consumer."""

from __future__ import annotations

import builtins
import itertools
import json
import operator
import os
import signal
import threading
import time
import types
from collections import Counter
from concurrent.futures import CancelledError, Future, TimeoutError
from unittest import mock

import redis

from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.sweeps import crash_sweep, interleave, lost_reply_sweep, values
from mqlab.checks.traced import Hook, traced_client
from mqlab.faults import SkewedClock
from mqlab.load import wait_until

lab = Lab("07-message-ordering")
STRETCH = ("SingleActive",)


def _held(thing, depth: int = 4) -> int:
    """How many elements the containers of an object hold, containers and objects inside them included."""
    if depth == 0 or isinstance(thing, str | bytes | type | types.ModuleType | threading.Thread | redis.Redis):
        return 0
    inside = list(getattr(thing, "__dict__", {}).values())
    if isinstance(thing, dict):
        inside += [*thing.keys(), *thing.values()]
    elif isinstance(thing, list | tuple | set | frozenset) or type(thing).__name__ in ("deque", "Queue"):
        inside += list(thing if hasattr(thing, "__iter__") else thing.queue)
    return len(inside) + sum(_held(each, depth - 1) for each in inside[:2000])


# ---------------------------------------------------------------- task 1

FAMILIES = {
    "order-0, order-1 …": lambda rng: [f"order-{i}" for i in range(8000)],
    "0, 8, 16, 24 …": lambda rng: [str(8 * i) for i in range(8000)],
    "names that end alike, such as 00000042/2026-eu": lambda rng: [f"{i:08d}/2026-eu" for i in range(8000)],
    "names that begin alike": lambda rng: [f"kiosk:warehouse-1:order:{i:08d}" for i in range(8000)],
    "random names": lambda rng: [f"{rng.getrandbits(64):x}" for i in range(8000)],
    "größe-0, größe-1 …": lambda rng: [f"größe-{i}" for i in range(8000)],
}


class _Text(str):
    """Equal to its text, as in another process: with another hash."""

    def __hash__(self):
        return str.__hash__(self) ^ 0x5BD1E995


class _Bytes(bytes):
    def __hash__(self):
        return bytes.__hash__(self) ^ 0x5BD1E995


def _lane(answer, key, n):
    got = answer(key, n)
    try:
        number = operator.index(got)
    except TypeError:
        raise NotYet(
            "not-a-lane", f"returned {got!r:.40} for {key!r:.40}.", f"A whole number from 0 to {n - 1}."
        ) from None
    if not 0 <= number < n:
        raise NotYet(
            "out-of-range",
            f"returned {number} for {key!r:.40} and n={n}.",
            f"0 to {n - 1}.",
            "There are n lanes, and the first has the number 0.",
        )
    return number


def _in_a_fork(call):
    """What `call()` returns in a forked process (a JSON value), or None where it raises."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(theirs, json.dumps(call()).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(said) if said else None


@lab.task(
    hints=[
        "Whatever the key is, make bytes of it first. Then a checksum of all of these bytes, then modulo n.",
        "Python's hash() of a text is different in each process. Which functions in zlib and hashlib are not?",
        "A sum of the bytes, or the first or last ones of them, is the same for too many keys.",
    ],
    broker=False,
)
def lane(answer, bench):
    odd = ["", "a", "größe", "日本", "order-7", "x" * 5000, "7", " ", "\n"]
    for key, n in itertools.product(odd, (1, 2, 3, 7, 8, 100)):
        first, twin = _lane(answer, key, n), (key + "#")[:-1]  # an equal object
        if {_lane(answer, each, n) for each in (twin, key, key.encode().decode())} != {first}:
            raise NotYet(
                "not-stable",
                f"gave the key {key!r:.30} different lanes in three calls, with n={n}.",
                "The same key and n give the same lane, however often and with whatever object.",
                "Two messages of one order would be in two lanes, and overtake each other.",
            )
    for key, n in itertools.product(odd, (1, 2, 3, 7, 8, 100)):
        if _lane(answer, key.encode(), n) != _lane(answer, key, n):
            raise NotYet(
                "text-and-bytes-differ",
                f"gave {key!r:.30} and {key.encode()!r:.30} different lanes, with n={n}.",
                "Text and its UTF-8 bytes are the same key.",
                "One service has the key as text, the next one reads bytes from the network.",
            )
    _same_in_every_process(answer)
    count = 0
    for name, make in FAMILIES.items():
        for n in (2, 3, 7, 8, 16):
            keys = make(bench.rng)
            lanes = Counter(_lane(answer, key, n) for key in keys)
            count += len(keys)
            most, least = max(lanes.values()), min(lanes.get(i, 0) for i in range(n))
            if most > 1.3 * len(keys) / n or least < 0.7 * len(keys) / n:
                raise NotYet(
                    "uneven",
                    f"put {most:,} keys into one lane and {least:,} into another, of 8,000 in {n} lanes ({name}).",
                    f"About {len(keys) // n:,} in each.",
                    "Every byte of the key has to count, and where it stands. The fullest lane sets the throughput.",
                )
        lanes = Counter(_lane(answer, key, 100) for key in keys)
        if sum((lanes.get(i, 0) - 80) ** 2 / 80 for i in range(100)) > 200:  # chi-squared: 99 ± 14 by chance
            fives = sorted(lanes.get(i, 0) for i in range(100))
            raise NotYet(
                "uneven-with-many-lanes",
                f"put {sum(fives[-10:]) / 10:.0f} keys into each of the ten fullest of 100 lanes, and "
                f"{sum(fives[:10]) / 10:.0f} into each of the ten emptiest ({name}).",
                "About 80 in each, and what chance makes of it: 95 and 65.",
                "Every byte of the key has to count, and before the modulo there must be far more values than lanes.",
            )
    for key, n in itertools.product((b"\xff" * 4, b"\x00", b"\xe9t\xe9"), (1, 3, 8, 1000)):
        _lane(answer, key, n)  # not text; and CRC-32 of the first is its largest number, 2**32 - 1
    return f"{count:,} keys of 6 kinds, in other processes as here"


def _same_in_every_process(answer):
    keys = [f"k{i}" for i in range(40)]
    orders = [keys, keys[::-1], keys[7:] + keys[:7]]
    seen = [_in_a_fork(lambda order=order: {key: int(answer(key, 64)) for key in order}) for order in orders]
    if any(each != seen[0] for each in seen):
        raise NotYet(
            "depends-on-history",
            "gave the same keys other lanes in a process that asked for them in another order.",
            "The lane depends on the key and on n, and on nothing else.",
            "Each producer sees other keys, and first. They would not agree where a key belongs.",
        )
    real = builtins.hash
    for key, n in itertools.product(("order-7", "größe", "a"), (8, 1000)):
        here = [answer(key, n), answer(key.encode(), n)]
        with mock.patch.object(builtins, "hash", lambda value: real(value) ^ 0x5BD1E995):
            there = [answer(_Text(key), n), answer(_Bytes(key.encode()), n)]
        if here != there:
            raise NotYet(
                "differs-per-process",
                f"gave {key!r} lane {here[0]} with the hash() of this process, and {there[0]} with that of another.",
                "The same lane in every process.",
                "Python salts the hash of texts and bytes anew in each process, to keep attackers from choosing it.",
            )


# ---------------------------------------------------------------- task 2


class _Model:
    """What push has to return."""

    def __init__(self, max_buffer, timeout):
        self.max_buffer, self.timeout, self.next, self.waiting = max_buffer, timeout, 1, {}

    def push(self, seq, now):
        """(numbers out, skipped, why anything was skipped)"""
        if seq >= self.next:
            self.waiting.setdefault(seq, now)
        out, skipped, why = self._run(), [], ""
        while self.waiting:
            late = any(now - came >= self.timeout for came in self.waiting.values())
            if len(self.waiting) <= self.max_buffer and not late:
                break
            why = why or ("late" if late else "full")
            skipped += range(self.next, min(self.waiting))
            self.next = min(self.waiting)
            out += self._run()
        return out, skipped, why

    def _run(self):
        out = []
        while self.next in self.waiting:
            self.waiting.pop(self.next)
            out.append(self.next)
            self.next += 1
        return out


def _replay(answer, max_buffer, timeout, pushes):
    """Hold the answer against the model, push by push."""
    mine, model, given, first = answer(max_buffer, timeout), _Model(max_buffer, timeout), set(), {}
    gone = set()
    for count, (seq, now) in enumerate(pushes, 1):
        behind, dup = seq < model.next, seq in model.waiting
        first.setdefault(seq, (seq, count))  # the item that came first is the one
        got = mine.push(seq, (seq, count), now)
        out, skipped, why = model.push(seq, now)
        try:
            items, gaps = list(got[0]), list(got[1])
            numbers = [each[0] for each in items]
            fine = len(got) == 2 and all(len(each) == 2 and each[0] in first for each in items)
        except (TypeError, IndexError, KeyError):
            fine = False
        if not fine:
            raise NotYet("wrong-return", f"returned {got!r:.70} from push.", "Two lists: the items, and the numbers.")
        if numbers == out and gaps == skipped:
            if other := [each for each in items if each != first[each[0]]]:
                raise NotYet(
                    "replaces-what-waits",
                    f"gave out a copy of number {other[0][0]} that came when the first one was waiting already.",
                    "The one that came first.",
                    "An item whose number waits already is ignored.",
                )
            given |= set(out)
            gone |= set(skipped)
            continue
        shown = ", ".join(f"{s} at {t:g} s" for s, t in pushes[max(0, count - 6) : count])
        did = (
            f"gave out the numbers {numbers} and gave up {gaps} at the last of these pushes: {shown} "
            f"(max_buffer={max_buffer}, timeout={timeout:g})."
        )
        if gone & set(gaps):
            raise NotYet(
                "gives-up-twice", did, f"Out: {out}, given up: {skipped}.",
                "`skipped` has the numbers that this call gave up. Somebody will ask for each of them again.",
            )
        raise _mismatch(did, numbers, gaps, out, skipped, why, given, behind, dup)


def _mismatch(did, numbers, gaps, out, skipped, why, given, behind, dup):
    should = f"Out: {out}, given up: {skipped}."
    if given & set(numbers) or len(set(numbers)) < len(numbers):
        return NotYet("delivers-twice", did, should, "A message may come twice, and has its effect once.")
    last = max(given, default=0)
    if numbers != sorted(numbers) or any(n < last for n in numbers):
        return NotYet(
            "out-of-order",
            did,
            should,
            "What comes out is in order. A number that was given up and comes after all is too late.",
        )
    jumped = set(range(last + 1, max(numbers, default=0))) - set(numbers)
    if jumped and jumped & set(skipped) == set() and not jumped <= set(gaps):
        return NotYet("silent-gap", did, should, "The items behind a gap wait until it is filled, or given up.")
    if numbers == out and len(gaps) < len(skipped):
        return NotYet("silent-gap", did, should, "Somebody has to know which messages are missing, to ask for them.")
    if skipped and not gaps and why == "full":
        return NotYet(
            "grows-without-bound", did, should, "One lost message, and everything after it is kept in memory."
        )
    if skipped and len(gaps) < len(skipped):
        return NotYet(
            "waits-too-long",
            did,
            should,
            "No item waits for longer than the timeout, counted from when it came first; every push looks at that.",
        )
    if len(gaps) > len(skipped):
        return NotYet(
            "gives-up-too-soon",
            did,
            should,
            "First the new item is taken in, then what fits goes out. Only what still breaks a limit counts.",
        )
    if behind or dup or len(numbers) < len(out):
        return NotYet("holds-back", did, should, "What is next goes out at once.")
    return NotYet("wrong-numbers", did, should, "Numbers start at 1, and each one is given out or given up, once.")


@lab.task(
    hints=[
        "Keep the next number, and a dict from number to item for what waits. What is below the next number is behind.",
        "Note for each waiting item when it came. Keep to the order of the steps: take in, give out, give up.",
        "To give up, set the next number to the smallest waiting one, note what lies between, and give out again.",
    ],
    broker=False,
)
def Resequencer(answer, bench):  # noqa: N802 — the task is a class
    cases, (a, b) = 0, [answer(5, 1e9) for _ in range(2)]
    got = [list(each) for each in (*a.push(2, "a2", 0), *b.push(1, "b1", 0))]
    if got == [[], [], ["b1", "a2"], []]:
        raise NotYet(
            "shares-its-state", "gave out an item of one Resequencer at the push to another one.", "Each has its own.",
            "What stands in the body of the class, or is the default of an argument, is one for all objects.",
        )
    for order in [o for n in range(1, 6) for o in itertools.permutations(range(1, n + 1))]:
        _replay(answer, 10, 1e9, [(seq, 0) for seq in order])
        cases += 1
    for length in range(1, 6):  # everything short: duplicates, gaps, late ones; a second between two pushes
        for order in itertools.product(range(1, 5), repeat=length):
            for max_buffer, timeout in ((10, 1e9), (0, 1e9), (1, 1e9), (10, 2), (10, 0)):
                _replay(answer, max_buffer, timeout, [(seq, now) for now, seq in enumerate(order)])
                cases += 1
    for _ in range(150):
        seqs = [s for s in range(1, 40) if bench.rng.random() > 0.1 for _ in range(1 + (bench.rng.random() < 0.1))]
        keyed = sorted(seqs, key=lambda s: s + bench.rng.random() * 8)
        now, pushes = 0.0, []
        for seq in keyed:
            now += bench.rng.choice((0, 0.25, 0.5, 1, 4))
            pushes.append((seq, now))
        _replay(answer, bench.rng.choice((1, 2, 4, 50)), bench.rng.choice((1, 3, 1e9)), pushes)
        cases += 1
    for item in (None, 0, "", [], False):
        q = answer(5, 10)
        if [*q.push(2, item, 0)[0], *q.push(1, item, 0)[0]] != [item, item]:
            raise NotYet(
                "loses-empty-items",
                f"did not give out two items {item!r}.",
                "An item may be anything.",
                "None and 0 are false, and they are there.",
            )
    q = answer(5, 1e9)
    for seq in range(1, 3001):
        q.push(seq, "x", seq), q.push(seq, "x", seq)
    if (held := _held(q)) > 500:
        raise NotYet(
            "remembers-everything",
            f"held {held:,} things after 3,000 messages that came in order, twice each.",
            "What is behind needs no memory.",
            "A service that runs for a year would remember each of its messages. One number says what is behind.",
        )
    return f"{cases:,} sequences"


# ---------------------------------------------------------------- task 3

KEY = "kiosk:log:commit"


def _whole(got):
    if isinstance(got, bool) or not isinstance(got, int):
        raise NotYet("wrong-return", f"returned {got!r:.40} from done.", "The watermark, a whole number.")
    return got


def _commit(r):
    return int(r.get(KEY) or 0)


class _Finished:
    """The learner's tracker, held against the set of what is finished."""

    def __init__(self, answer, r, start=0):
        self.r, self.start, self.finished, self.tracker = r, start, set(), answer(r, KEY)

    def done(self, offset, least=0):
        """least: a commit that somebody else has written."""
        self.finished.add(offset)
        right = next(n for n in itertools.count(self.start) if n not in self.finished)
        got = _whole(self.tracker.done(offset))
        did = f"returned {got} from done({offset}), with {_some(self.finished)} finished and the start at {self.start}."
        if got > right:
            raise NotYet(
                "commits-too-far",
                did,
                f"{right}, the first that is not finished.",
                f"After a crash a restart continues at {got}, and nobody ever handles {right}.",
            )
        if got == right - 1 == offset:
            raise NotYet(
                "off-by-one",
                did,
                f"{right}.",
                "The commit is the offset from which to continue, not the last one that is finished.",
            )
        if got != right:
            raise NotYet("wrong-watermark", did, f"{right}, the first that is not finished.")
        holds = self.r.get(KEY)
        if int(holds or 0) != max(right, least):
            behind = int(holds or 0) < max(right, least)
            raise NotYet(
                "not-committed" if behind else "commits-something-else",
                f"returned {got} from done({offset}), and the key holds {holds!r}.",
                f"The key holds {max(right, least)}.",
                "A restart knows only what is in the broker.",
            )


def _some(offsets):
    shown = sorted(offsets)
    return f"{shown[:6]}{'…' if len(shown) > 6 else ''}"


@lab.task(
    hints=[
        "Keep the watermark and the set of what is finished above it. As long as the watermark is in it, move on.",
        "Look at the key, and write it if it is lower: between the two somebody else may write. Lab 01 has two tools "
        "that make it one step.",
        "When writing fails, your memory has moved on and the broker has not. How does the next call know?",
    ],
    limit=15,
)
def OffsetTracker(answer, bench):  # noqa: N802
    r, orders = bench.r, list(itertools.permutations(range(5)))
    for order in [(0, 1, 2), (1, 0), *orders]:
        bench.flush()
        mine = _Finished(answer, r)
        for offset in order:
            mine.done(offset)
    _starts_and_repeats(answer, bench)
    _never_down(answer, bench)
    tried = _two_trackers(answer, bench)
    points = _killed_tracker(answer, bench)
    failures = _no_answer(answer, bench)
    _away_for_long(answer, bench)
    bench.flush()
    mine = _Finished(answer, r)
    for block in range(0, 600, 5):
        for offset in (4, 2, 0, 1, 3):
            got = mine.tracker.done(block + offset)
        if (got, _commit(r)) != (block + 5, block + 5):
            raise NotYet(
                "not-committed",
                f"returned {got} and left the commit at {r.get(KEY)}, when all below {block + 5} was finished.",
                f"{block + 5}.",
                f"The key holds text, and '{r.get(KEY)}' comes after '{block + 5}' in a dictionary."
                if (r.get(KEY) or "") > str(block + 5)
                else "A restart knows only what is in the broker.",
            )
    if r.pttl(KEY) != -1:
        raise NotYet(
            "commit-expires",
            f"gave the commit a lifetime of {r.pttl(KEY) / 1000:,.0f} s.",
            "It stays until somebody deletes it.",
            "A consumer that was away for longer starts at 0, and handles the whole log again.",
        )
    if (held := _held(mine.tracker)) > 200:
        raise NotYet(
            "remembers-everything",
            f"held {held:,} things after 600 messages, with all of them finished.",
            "What is below the watermark needs no memory.",
            "A consumer runs for months.",
        )
    return f"{len(orders)} orders, {tried}, {points}, {failures} failed commands"


def _starts_and_repeats(answer, bench):
    bench.flush()
    bench.r.set(KEY, 100)
    tracker = answer(bench.r, KEY)
    got = [_whole(tracker.done(offset)) for offset in (101, 3, 100)]
    if got != [100, 100, 102] or _commit(bench.r) != 102:
        raise NotYet(
            "starts-elsewhere",
            f"returned {got} from done(101), done(3), done(100); the commit was 100, and is {bench.r.get(KEY)} now.",
            "100, 100, 102: a new tracker starts at the commit, and what is below is finished.",
            "A tracker that starts at 0 waits for messages that were handled long ago.",
        )
    again = [_whole(tracker.done(offset)) for offset in (101, 101, 50, 103, 103, 102, 104)]
    if again != [102, 102, 102, 102, 102, 104, 105] or _commit(bench.r) != 105:
        raise NotYet(
            "counts-repeats",
            f"returned {again} from done of 101, 101, 50, 103, 103, 102, 104, at the watermark 102.",
            "102 five times, then 104 and 105.",
            "Messages are delivered again, and reported again.",
        )


def _never_down(answer, bench):
    bench.flush()
    mine = _Finished(answer, bench.r)
    bench.r.set(KEY, 50)
    for offset in (1, 0, 2):
        got = _whole(mine.tracker.done(offset))
        if _commit(bench.r) < 50:
            raise NotYet(
                "commit-goes-down",
                f"set the commit to {bench.r.get(KEY)} in done({offset}); another tracker had written 50.",
                "50: the commit never goes down.",
                "A paused consumer wakes up and reports what it had. 50 messages would be handled again.",
            )
    if got != 3 or _commit(bench.r) != 50:
        raise NotYet(
            "wrong-watermark",
            f"returned {got} from done(2), and left the commit at {bench.r.get(KEY)}.",
            "3, the tracker's own watermark, and the commit stays at 50.",
        )


def _two_trackers(answer, bench):
    def consumer(*offsets):
        def run(r):
            tracker = answer(r, KEY)
            return [tracker.done(offset) for offset in offsets][-1]

        return run

    def highest(r, results):
        if _commit(r) < (most := max(values(results))):
            raise NotYet(
                "commit-goes-down",
                f"left the commit at {_commit(r)}, when done had already returned {most} to one of two consumers.",
                f"At least {most}.",
                "Between your look at the key and your write another consumer wrote a larger number.",
            )

    tried = interleave(bench, lambda r: None, [consumer(0, 1), consumer(1, 0, 2)], highest, limit=200)
    return f"{tried}"


def _killed_tracker(answer, bench):
    order, seen = (1, 0, 3, 2, 4), {}

    def prepare(r):
        seen.update(finished=set(), returned=0)

    def run(r):
        tracker = answer(r, KEY)
        for offset in order:
            seen["finished"].add(offset)  # the work is done; then done() is called
            seen["returned"] = tracker.done(offset)

    def nothing_lost(r, result):
        if isinstance(result, Exception):
            raise result
        first = next(n for n in itertools.count() if n not in seen["finished"])
        if not seen["returned"] <= _commit(r) <= first:
            far = _commit(r) > first
            raise NotYet(
                "commits-too-far" if far else "not-committed",
                f"left the commit at {_commit(r)}: the consumer was killed, with {_some(seen['finished'])} finished.",
                f"From {seen['returned']} to {first}.",
                "A restart skips what lies below the commit." if far else "done had returned a larger number.",
            )
        again = answer(r, KEY)
        for offset in range(_commit(r), 5):
            again.done(offset)
        if _commit(r) != 5:
            raise NotYet(
                "stuck-after-a-crash",
                f"left the commit at {_commit(r)} when a new tracker had handled the rest.",
                "5.",
                "What a new tracker needs must be in the broker.",
            )

    return crash_sweep(bench, prepare, run, lambda r: None, nothing_lost)


class _Fails(Hook):
    """The n-th step raises: before it is sent, or after it took effect."""

    def __init__(self, n, lost):
        self.left, self.lost = n, lost

    def _due(self, wanted):
        if wanted:
            self.left -= 1
        return wanted and self.left == 0

    def before(self, connection, step):
        if self._due(not self.lost):
            raise redis.TimeoutError("Timeout reading from socket")
        return step

    def after(self, connection, step, reply):
        if self._due(self.lost):
            raise redis.ConnectionError("Connection closed by server.")


def _no_answer(answer, bench):
    count, most = 0, 40
    for lost in (False, True):
        for n in range(1, most):
            bench.flush()
            hook = _Fails(n, lost)
            with traced_client(bench.broker.url, hook, socket_timeout=None) as r:
                tracker, did = None, ""
                for offset in (1, 0, 2):
                    for _ in range(3):
                        armed = hook.left > 0
                        try:
                            tracker = tracker or answer(r, KEY)
                            got = _whole(tracker.done(offset))
                            break
                        except redis.RedisError as error:
                            did = f"{type(error).__name__} from done({offset})"
                    else:
                        raise NotYet("never-recovers", f"raised {did} three times; one command failed.", "Once.")
                    right = {1: 0, 0: 2, 2: 3}[offset]
                    if got == right and _commit(bench.r) >= right:
                        continue
                    swallowed = armed and hook.left <= 0
                    raise NotYet(
                        "hides-broker-errors" if swallowed else "forgets-after-an-error",
                        f"returned {got} from done({offset}), and the commit is {_commit(bench.r)}. The broker did not "
                        f"answer command {n}{'' if swallowed else f': {did}, and the same call again'}.",
                        f"{right} and a commit of {right}, or an exception of redis.",
                        "Whoever gets a result believes that it is written."
                        if swallowed
                        else "What was not written has to be written by the next call, although memory has it already.",
                    )
            if hook.left > 0:
                break
            count += 1
    return count


class _Away(Hook):
    """While `away` is set, no command is answered, however often it is tried."""

    def __init__(self):
        self.away = threading.Event()

    def before(self, connection, step):
        if self.away.is_set():
            raise redis.ConnectionError("Error 111 connecting to the broker. Connection refused.")
        return step


def _away_for_long(answer, bench):
    bench.flush()
    hook = _Away()
    with traced_client(bench.broker.url, hook, socket_timeout=None) as r:
        tracker = answer(r, KEY)
        for offset, right in ((1, 0), (0, 2), (2, 3)):
            hook.away.set()
            stop = threading.Timer(1, hook.away.clear)  # for an answer that tries until it works
            stop.start()
            try:
                got = tracker.done(offset)
            except redis.RedisError:
                got = None
            stop.cancel()
            hook.away.clear()
            if got is not None and _commit(bench.r) < right:
                raise NotYet(
                    "hides-broker-errors",
                    f"returned {got} from done({offset}), and the commit is {_commit(bench.r)}. The broker had not "
                    "answered a single command.",
                    f"A commit of {right}, or an exception of redis.",
                    "Whoever gets a result believes that it is written.",
                )
            if (got := tracker.done(offset)) != right or _commit(bench.r) < right:
                raise NotYet(
                    "forgets-after-an-error",
                    f"returned {got} from done({offset}), and the commit is {_commit(bench.r)}. The same call had "
                    "raised before, when the broker did not answer.",
                    f"{right} and a commit of {right}.",
                    "What was not written has to be written by the next call, although memory has it already.",
                )


# ---------------------------------------------------------------- task 4

SOON = 3.0  # seconds for something to happen that takes microseconds; no check waits for it when all is well


def _await(future, code, did, should, because=""):
    """The future's exception, or None. Raises NotYet when it does not come to an end."""
    try:
        return future.exception(timeout=SOON)
    except TimeoutError:
        raise NotYet(code, did, should, because) from None
    except CancelledError:
        raise NotYet(
            "cancels", "cancelled a future.", "It has a result, or an exception.",
            "Who waits for it has to know why: the exception that parked the key says so.",
        ) from None


class _Slow:
    """A key that does something whenever it is looked up, so that another thread gets in between two steps."""

    def __init__(self, name, meanwhile=lambda: time.sleep(0.0001)):
        self.name, self.meanwhile = name, meanwhile

    def __hash__(self):
        self.meanwhile()
        return hash(self.name)

    def __repr__(self):
        return repr(self.name)

    def __eq__(self, other):
        return isinstance(other, _Slow) and self.name == other.name


LOST = (
    "loses-a-function",
    "never ran a function that was submitted in the moment in which its key had nothing more to do.",
    "Each one runs.",
    "A thread sees that nothing waits, and lets the key go. Before it has, something is submitted for it.",
)


@lab.task(
    hints=[
        "A deque per key, and one of the keys that have something waiting and nothing running. Threads take keys.",
        "A thread that has ended a function puts the key back at the end of those, if more waits; else it forgets it.",
        "One lock, or one Condition, for all of it. Never hold it while a function runs.",
        "BaseException is what everything is that can be raised. A thread that dies of one is missing for ever.",
    ],
    limit=25,
    broker=False,
)
def KeyedExecutor(answer, bench):  # noqa: N802
    _runs(answer)
    _one_key(answer)
    _many_keys(answer)
    _poison(answer)
    _release(answer)
    _closes(answer)
    _in_between(answer)
    tasks = _crowd(answer)
    _forgets(answer)
    return f"8 keys at once, {tasks} functions from 6 threads, 10,000 keys"


def _close(executor):
    ended = threading.Event()
    threading.Thread(target=lambda: (executor.close(), ended.set()), daemon=True).start()
    if not ended.wait(SOON):
        raise NotYet(
            "close-hangs",
            "did not return from close within 3 s.",
            "It returns when everything has run or was refused.",
            "Who waits for work has to be told that there will be no more.",
        )


def _runs(answer):
    executor = answer(2)
    for value in (7, None, "paid"):
        future = executor.submit("a", lambda value=value: value)
        if not isinstance(future, Future):
            raise NotYet("no-future", f"returned {future!r:.50} from submit.", "A concurrent.futures.Future.")
        _await(future, "never-runs", "did not run a function within 3 s.", "It runs at once: nothing else is there.")
        if future.exception() is not None:
            raise NotYet("wrong-result", f"made the future raise {future.exception()!r:.50}.", f"Its result: {value!r}")
        if future.result() != value:
            raise NotYet("wrong-result", f"put {future.result()!r:.40} into the future.", f"{value!r}.")
    inner = []
    outer = executor.submit("a", lambda: inner.extend(executor.submit(key, lambda: 1) for key in ("a", "b")))
    for future in (outer, *inner):
        _await(
            future,
            "submit-inside-hangs",
            "came to no end when a function called submit itself.",
            "The function ends, and what it submitted runs.",
            "Do not hold a lock while a function runs, and do not wait in submit.",
        )
    _close(executor)


def _one_key(answer):
    executor, gate, log, begun = answer(4), threading.Event(), [], threading.Event()
    first = executor.submit("a", lambda: (log.append(0), begun.set(), gate.wait(20)))
    begun.wait(SOON)
    done, rest = threading.Event(), []

    def submit_all():
        rest.extend(executor.submit("a", lambda i=i: log.append(i)) for i in range(1, 30))
        done.set()

    threading.Thread(target=submit_all, daemon=True).start()
    if not done.wait(SOON):
        gate.set()
        raise NotYet(
            "submit-waits",
            "did not return from submit while a function of the same key was running.",
            "submit never waits.",
            "The caller reads from the broker. While it waits here, other keys wait as well.",
        )
    _await(
        executor.submit("b", lambda: None),
        "one-key-takes-all-threads",
        "did not run a function of key b for 3 s: one of key a was running, on one of four threads, and 29 waited.",
        "b runs at once, on a free thread.",
        "A thread that waits for its turn at a key is busy with nothing.",
    )
    time.sleep(0.02)
    overlapped = len(log) > 1
    gate.set()
    for future in (first, *rest):
        _await(future, "never-runs", "did not run all functions of one key.", "Each runs, one after the other.")
    if overlapped:
        raise NotYet(
            "overlaps",
            "ran a function of a key while another one of the same key was running.",
            "One after the other.",
            "Several threads that take from one queue are competing consumers again.",
        )
    if log != list(range(30)):
        raise NotYet("out-of-order", f"ran functions of one key in the order {log[:8]}…", "In the order of submit.")
    _close(executor)


def _many_keys(answer):
    for keys in ([0, 8, 16, 24, 32, 40, 48, 56], [f"order-{i}" for i in range(8)], [(i, "x") for i in range(8)]):
        executor, barrier = answer(8), threading.Barrier(8)
        futures = [executor.submit(key, lambda barrier=barrier: barrier.wait(1.5)) for key in keys]
        for future in futures:
            error = _await(future, "never-runs", "did not run one of 8 functions.", "It runs.")
            if error is not None:
                raise NotYet(
                    "keys-share-a-lane",
                    f"did not run 8 functions of 8 keys at the same time on 8 threads ({keys[0]!r}, {keys[1]!r} …).",
                    "All 8 at once.",
                    "Where the key chooses the thread, two may choose the same one, while others have nothing to do.",
                )
        _close(executor)
    before = threading.active_count()
    executor, lock, now = answer(3), threading.Lock(), [0, 0]

    def note():
        with lock:
            now[0] += 1
            now[1] = max(now)
        time.sleep(0.002)
        with lock:
            now[0] -= 1

    futures = [executor.submit(i, note) for i in range(60)]
    threads = threading.active_count() - before
    for future in futures:
        _await(future, "never-runs", "did not run one of 60 functions.", "It runs.")
    if now[1] > 3 or threads > 5:
        raise NotYet(
            "too-many-threads",
            f"ran {now[1]} functions at once, in {threads} threads, with n=3.",
            "3 at most.",
            "n is the bound for whatever the functions use: connections, memory.",
        )
    log = []

    def in_and_out():
        log.append("in")
        time.sleep(0.01)
        log.append("out")

    for future in [executor.submit(key, in_and_out) for key in ((1, 2), tuple([1, 2]))]:
        _await(future, "never-runs", "did not run a function.", "It runs.")
    if log[1] == "in":
        raise NotYet("equal-keys-differ", "ran two functions of equal keys at once.", "Equal keys are one key.")
    for one, other in (("1", 1), (-1, -2), ((1,), "(1,)")):  # hash(-1) == hash(-2)
        both = threading.Barrier(2)
        futures = [executor.submit(key, lambda both=both: both.wait(1.5)) for key in (one, other)]
        if any(_await(future, "never-runs", "did not run a function.", "It runs.") for future in futures):
            raise NotYet(
                "different-keys-are-one",
                f"did not run functions of the keys {one!r} and {other!r} at the same time.",
                "Different keys do not wait for each other.",
                "Equal texts, or equal hashes, do not make two keys equal. A dict knows that.",
            )
    _close(executor)


def _poison(answer):
    for error in (ValueError("no such order"), SystemExit(3), KeyboardInterrupt()):
        executor, gate, ran = answer(1), threading.Event(), []

        def fails(gate=gate, error=error):
            gate.wait(20)
            raise error

        def successor(ran=ran):
            ran.append(1)

        futures = [executor.submit("a", each) for each in (fails, successor, successor)]
        other = executor.submit("b", lambda: "fine")
        gate.set()
        name = type(error).__name__
        got = [
            _await(
                future,
                "poison-hangs",
                f"left a future of a key open whose function had raised {name}.",
                "The futures of all that waits for the key get its exception, at once.",
                "Somebody waits for each future. And a thread that died of an exception runs nothing any more.",
            )
            for future in futures
        ]
        if got[0] is not error:
            raise NotYet("loses-the-exception", f"put {got[0]!r:.50} into the future.", f"What it raised: {error!r}.")
        later = executor.submit("a", successor)
        got.append(_await(later, "poison-hangs", "left a future of a parked key open.", "It has the exception."))
        if ran:
            raise NotYet(
                "runs-after-a-failure",
                f"ran a later function of the key after one had raised {name}.",
                "The key is parked: what waits, and what comes, does not run.",
                "'Packed' without 'paid': the successors of a failed message must not pass it.",
            )
        if any(each is not error for each in got):
            raise NotYet("loses-the-exception", f"put {got[-1]!r:.50} into a later future.", f"The same: {error!r}.")
        problem = _await(
            other, "poison-spreads", f"did not run key b after key a had raised {name}.", "Other keys go on.",
            "The thread that ran it, or the whole executor, went down with one order.",
        )
        if problem is not None:
            raise NotYet("poison-spreads", f"failed key b with {problem!r:.50} of key a.", "Other keys go on.")
        _close(executor)


def _release(answer):
    executor, ran = answer(2), []

    def fails(gate):
        gate.wait(20)
        raise ValueError("no such order")

    executor.release("never seen")
    for _ in range(2):
        gate = threading.Event()
        futures = [executor.submit("a", lambda gate=gate: fails(gate))]
        futures += [executor.submit("a", lambda: ran.append("refused")) for _ in range(2)]
        gate.set()
        for future in futures:
            _await(future, "poison-hangs", "left a future of a key open that had failed.", "It has the exception.")
        refused = executor.submit("a", lambda: ran.append("refused"))
        if _await(refused, "poison-hangs", "left a future of a parked key open.", "It has the exception.") is None:
            raise NotYet(
                "parks-only-once",
                "ran a later function of a key that had been parked and released, and has failed again.",
                "The key is parked again, until the next release.",
                "Who mends an order may be wrong about it.",
            )
        executor.release("a")
        again = executor.submit("a", lambda: ran.append("again"))
        problem = _await(again, "poison-hangs", "left a future open after release.", "The function runs.")
        if problem is not None:
            raise NotYet(
                "stays-parked",
                f"refused a function that was submitted after release: {problem!r:.50}.",
                "It runs.",
                "Somebody has mended the order and sends its messages again.",
            )
    if "refused" in ran:
        raise NotYet(
            "release-runs-refused",
            "ran a function after release that had been refused before it.",
            "What was refused stays refused.",
            "Its future has the exception: whoever saw it will submit the message again.",
        )
    _released_in_callback(executor)
    _released_while_running(executor)
    executor.release("a")
    gate, log = threading.Event(), []
    futures = [executor.submit("a", lambda: (gate.wait(20), log.append(0)))]
    futures += [executor.submit("a", lambda i=i: log.append(i)) for i in (1, 2)]
    executor.release("a")  # nothing is parked, and one runs
    futures.append(executor.submit("a", lambda: log.append(3)))
    time.sleep(0.02)
    gate.set()
    for future in futures:
        _await(future, "release-breaks", "lost a function when a key was released that was not parked.", "It runs.")
    if log != [0, 1, 2, 3]:
        raise NotYet("release-breaks", f"ran {log} after a release of a key that was not parked.", "0, 1, 2, 3.")
    _close(executor)


def _released_in_callback(executor):
    """Whoever sees the exception may release the key at once: here in a callback of the future."""
    released = threading.Event()
    first = executor.submit("mended", lambda: 1 / 0)
    first.add_done_callback(lambda future: (executor.release("mended"), released.set()))
    if not released.wait(SOON):
        raise NotYet(
            "submit-inside-hangs", "came to no end when a callback of a future called release.", "It may call it.",
            "Callbacks run in the thread that sets the future. Do not hold a lock there.",
        )
    time.sleep(0.005)
    again = executor.submit("mended", int)
    if _await(again, "poison-hangs", "left a future open after release.", "The function runs.") is not None:
        raise NotYet(
            "parks-too-late",
            "refused a function after release. The key was released as soon as the future had its exception.",
            "It runs.",
            "Who sees the exception may act on it at once. The key must be parked before that.",
        )


def _released_while_running(executor):
    """Nothing waits for the key, one function runs, and a release comes: the next one waits all the same."""
    gate, begun, log = threading.Event(), threading.Event(), []
    first = executor.submit("runs", lambda: (begun.set(), gate.wait(20), log.append(1)))
    begun.wait(SOON)
    executor.release("runs")
    second = executor.submit("runs", lambda: log.append(2))
    time.sleep(0.02)
    gate.set()
    for future in (first, second):
        _await(future, "release-breaks", "lost a function when a key was released that was not parked.", "It runs.")
    if log != [1, 2]:
        raise NotYet(
            "release-breaks", "ran two functions of one key at once, after a release while the first one ran.",
            "One after the other: a release of a key that is not parked changes nothing.",
        )


def _in_between(answer):
    """A second function is submitted at each step in which a thread lets go of the key, and at each step of submit."""
    executor, inner = answer(1), []
    first = executor.submit("a", lambda: time.sleep(0.005))
    first.add_done_callback(lambda future: inner.append(executor.submit("a", int)))
    _await(first, "never-runs", "did not run a function.", "It runs.")
    try:
        wait_until(lambda: inner, timeout=SOON)
    except TimeoutError:
        raise NotYet(
            "submit-inside-hangs",
            "came to no end when a callback of a future called submit.",
            "A callback may submit.",
            "Callbacks run in the thread that sets the future. Do not hold a lock there.",
        ) from None
    _await(inner[0], *LOST)
    _close(executor)
    for step in range(1, 12):
        for side in ("thread", "submit"):
            if not _second_at(answer, side, step):
                break


def _second_at(answer, side, step):
    """Whether there is such a step."""
    executor, begun, gate, counted = answer(2), threading.Event(), threading.Event(), [0]
    submitting, second = threading.Lock(), []

    def submit(key):
        with submitting:
            second.append(executor.submit(key, int))

    def meanwhile():
        inside = threading.current_thread() is threading.main_thread()
        if inside != (side == "submit") or not begun.is_set() or side == "thread" and not gate.is_set():
            return
        counted[0] += 1
        if counted[0] != step:
            return
        if side == "submit":  # let the running function end, and its thread go on as far as it can
            gate.set()
            time.sleep(0.008)
        else:
            rival = threading.Thread(target=submit, args=(_Slow("a", lambda: None),), daemon=True)
            rival.start()
            rival.join(0.008)

    first = executor.submit(_Slow("a", meanwhile), lambda: (begun.set(), gate.wait(20)))
    begun.wait(SOON)
    if side == "submit":
        submit(_Slow("a", meanwhile))
    gate.set()
    _await(first, *LOST)
    try:
        wait_until(lambda: second or counted[0] < step, timeout=SOON)
    except TimeoutError:
        raise NotYet(*LOST) from None
    for future in second:
        _await(future, *LOST)
    _close(executor)
    return counted[0] >= step


def _crowd(answer):
    """Six threads submit, each for keys of its own: in bursts, and each time the key has just fallen empty."""
    executor, logs, errors, threads, each = answer(4), {}, [], [], 60

    def producer(me):
        keys = [f"{me}/{i}" for i in range(2)]
        futures = []
        for n in range(each):
            name = keys[n % 2]
            log = logs.setdefault(name, [])

            def work(log=log, n=n):
                log.append(("in", n))
                log.append(("out", n))

            futures.append(executor.submit(_Slow(name), work))
            if me % 2 and futures[-1].exception(timeout=SOON):  # wait for it, then submit the next at once
                break
        for future in futures:
            future.exception(timeout=SOON)

    def guarded(me):
        try:
            producer(me)
        except BaseException as error:
            errors.append(error)

    for me in range(6):
        threads.append(threading.Thread(target=guarded, args=(me,), daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join(2 * SOON)
    if any(isinstance(error, TimeoutError) for error in errors) or any(thread.is_alive() for thread in threads):
        raise NotYet(*LOST)
    if errors:
        raise errors[0]
    for log in logs.values():
        expected = sorted({n for _, n in log})
        if log != [(what, n) for n in expected for what in ("in", "out")]:
            raise NotYet(
                "overlaps",
                "mixed up the functions of one key when six threads submitted at once.",
                "One after the other, in the order of submit.",
                "Two threads had the same key: each thought that it was the first.",
            )
    _close(executor)
    return 6 * each


def _forgets(answer):
    executor = answer(4)
    futures = [executor.submit(f"order-{i}", int) for i in range(10_000)]
    for future in futures:
        _await(future, "never-runs", "did not run one of 10,000 functions.", "It runs.")
    executor.submit("bad", lambda: 1 / 0).exception(timeout=SOON)
    executor.release("bad")
    futures.clear()
    try:
        wait_until(lambda: _held(executor) < 500, timeout=1)
    except TimeoutError:
        raise NotYet(
            "leaks-keys",
            f"held {_held(executor):,} things after 10,000 keys with one function each, which have all run.",
            "A key with nothing running and nothing waiting needs no memory.",
            "Every order is a new key. In a month there are millions.",
        ) from None
    _close(executor)


def _closes(answer):
    before = set(threading.enumerate())
    executor = answer(3)
    futures = [executor.submit(i % 5, lambda: time.sleep(0.005)) for i in range(30)]
    bad = [executor.submit("bad", lambda: 1 / 0), executor.submit("bad", int)]
    _close(executor)
    if not all(future.done() for future in (*futures, *bad)):
        raise NotYet(
            "close-does-not-wait",
            f"returned from close with {sum(not future.done() for future in futures)} of 30 functions still to run.",
            "It waits until all have run.",
            "What was accepted is done: otherwise it is lost with the process.",
        )
    if any(future.exception() for future in futures):
        raise NotYet("close-does-not-wait", "refused functions that were submitted before close.", "They run.")
    try:
        wait_until(lambda: not (set(threading.enumerate()) - before), timeout=1)
    except TimeoutError:
        raise NotYet("threads-stay", "left threads running after close.", "close ends the threads.") from None


# ---------------------------------------------------------------- stretch

LANE = "kiosk:orders:lane:0"
OUT = LANE + ":out"


def _put(r, *messages):
    r.rpush(LANE, *messages)


def _token(got):
    if got is not None and (isinstance(got, bool) or not isinstance(got, int)):
        raise NotYet("wrong-return", f"returned {got!r:.40} from claim.", "A whole number, or None.")
    return got


def _everything(r):
    """All that is in the broker, lifetimes left out."""
    return {key: r.dump(key) for key in r.keys()}


def _serve(active, who, most=5):
    """Claim the lane and handle what is in it; the effect names the message and the worker."""
    token = active.claim(60_000)
    if token is None:
        return
    for _ in range(most):
        if (message := active.head(token)) is None:
            return
        active.finish(token, message, f"{message} by {who}")


def _order_kept(r, messages, when):
    """Every message had its effect once, in order."""
    done = [effect.split()[0] for effect in r.lrange(OUT, 0, -1)]
    left, did = r.lrange(LANE, 0, -1), f"left the effects {r.lrange(OUT, 0, -1)} and the lane {r.lrange(LANE, 0, -1)}"
    if len(done) != len(set(done)):
        raise NotYet(
            "effect-twice", f"{did}, {when}.", "Each message has one effect.",
            "A worker that believes to be active is not enough: the write itself must ask for the newest token.",
        )
    if [*done, *left] != messages:
        raise NotYet(
            "lost-or-reordered", f"{did}, {when}.", f"The effects of {messages}, in this order.",
            "Effect and removal belong in one step: in between, a worker may be killed, or stopped for a minute.",
        )


@lab.task(
    hints=[
        "A key with a lifetime (SET … PX) is a lease that the broker ends by its own clock. What is in it?",
        "A counter that only grows gives tokens. Where does it stand, so that no lease that ends takes it away?",
        "finish looks at the token and at the head, removes, and appends: four steps that nobody may come between.",
    ],
    limit=20,
)
def SingleActive(answer, bench):  # noqa: N802
    _claims(answer, bench)
    _fenced(answer, bench)
    _names_and_times(answer, bench)
    _own_clock(answer, bench)
    tried = _in_every_order(answer, bench)
    points = _killed_worker(answer, bench)
    _claims_again(answer, bench)
    _renews_too_late(answer, bench)
    _paused_worker(answer, bench)
    return f"{tried}, {points}, a worker that was stopped with SIGSTOP, a clock one hour off"


def _claims(answer, bench):
    bench.flush()
    r = bench.r
    _put(r, "m1", "m2")
    a, b = answer(r, LANE, "a"), answer(r, LANE, "b")
    first = _token(a.claim(150))
    if first is None:
        raise NotYet("nobody-active", "returned None to the first worker that asked.", "A token.")
    if _token(b.claim(60_000)) is not None:
        raise NotYet("two-active", "made a second worker active while the first one's time was running.", "None.")
    time.sleep(0.16)
    second = _token(b.claim(250))
    if second is None:
        raise NotYet(
            "never-ends", "returned None to b when the 150 ms of a were over; b had asked once before, in vain.",
            "A new token.", "A refused claim changes nothing, and a dead worker's time ends by itself.",
        )
    if second <= first:
        raise NotYet(
            "token-not-larger", f"gave b the token {second}, after a had {first}.", "A larger one.",
            "Equal tokens cannot tell the new owner from the one before it.",
        )
    time.sleep(0.15)
    if _token(b.claim(250)) != second:
        raise NotYet("token-changes", "gave the active worker another token when it prolonged.", "The same one.")
    time.sleep(0.15)
    if _token(a.claim(60_000)) is not None:
        raise NotYet(
            "does-not-prolong", "made a active 150 ms after b had prolonged by 250 ms.", "None: b is active.",
            "A claim by the active worker sets the end of its time to ttl_ms from now.",
        )
    last = second
    time.sleep(0.26)
    for turn in range(6):
        bench.client().delete(*[key for key in r.keys() if r.pttl(key) > 0] or ["-"])  # what ends, has ended
        time.sleep(0.003)
        got = _token(answer(r, LANE, "ab"[turn % 2]).claim(2))
        time.sleep(0.004)
        if got is None or got <= last:
            raise NotYet(
                "token-not-larger", f"gave the tokens {last} and then {got} to two workers.", "Larger ones, for ever.",
                "A counter that ends with the lease starts again, and an old token is valid once more.",
            ) if got is not None else NotYet("never-ends", "returned None when nobody was active.", "A token.")
        last = got
    if strays := [key for key in r.keys() if not key.startswith(LANE)]:
        raise NotYet("wrong-place", f"uses the key {strays[0]!r:.40}.", f"All keys start with {LANE!r}.")


def _fenced(answer, bench):
    bench.flush()
    r = bench.r
    _put(r, "m1", "m2")
    a, b = answer(r, LANE, "a"), answer(r, LANE, "b")
    for token in (0, 1):
        if a.finish(token, "m1", "x") or a.head(token) is not None or r.exists(OUT):
            raise NotYet(
                "accepts-a-token-never-given", f"let token {token} in, before anybody had claimed the lane.",
                "False and None: nobody was ever given it.", "Something that is not there is not equal to a token.",
            )
    old = a.claim(1)
    time.sleep(0.004)
    new = b.claim(60_000)
    for token in (old, new + 1):
        before = _everything(r)
        head, finished = a.head(token), a.finish(token, "m1", "x")
        what = "an old token" if token == old else "a token that nobody has yet"
        if finished or _everything(r) != before:
            raise NotYet(
                "stale-token", f"returned {finished!r} from finish with {what}; effects: {r.lrange(OUT, 0, -1)}.",
                "False, and nothing changes.",
                "A paused worker may wake up right before its write. Only the write can stop it.",
            )
        if head is not None:
            raise NotYet("stale-head", f"returned {head!r} from head with {what}.", "None.")
    if (got := [b.head(new), b.head(new)]) != ["m1", "m1"]:
        raise NotYet(
            "head-takes", f"returned {got} from head, asked twice.", "['m1', 'm1']: head leaves the message there.",
            "A worker that dies now would take the message along.",
        )
    for message in ("m2", "m3", ""):
        before = _everything(r)
        if b.finish(new, message, "x") or _everything(r) != before:
            raise NotYet(
                "not-the-head", f"let {message!r} be finished while m1 was at the head.", "False, and nothing changes.",
                "A reply may be lost and the call repeated: then another message is at the head.",
            )
    got = [b.finish(new, "m1", "e1"), b.finish(new, "m1", "e1"), b.head(new)]
    if [bool(got[0]), bool(got[1]), got[2]] != [True, False, "m2"]:
        raise NotYet(
            "wrong-order", f"returned {got} from finish m1, finish m1, head.",
            "[True, False, 'm2']: finish removes the message, once.",
        )
    b.finish(new, "m2", "e2")
    if r.lrange(OUT, 0, -1) != ["e1", "e2"] or r.exists(LANE) or b.head(new) is not None:
        raise NotYet("wrong-order", f"left the effects {r.lrange(OUT, 0, -1)}.", "e1, e2, and an empty lane.")


def _names_and_times(answer, bench):
    bench.flush()
    r = bench.r
    _put(r, "m1", "m2", "m3")
    a, b = answer(r, LANE, "a"), answer(r, LANE, "b")
    old = a.claim(1)
    time.sleep(0.004)
    b.claim(1)
    time.sleep(0.004)
    new = a.claim(60_000)  # a is active again, and has a token of its own from before
    got = [a.head(old), a.finish(old, "m1", "x"), r.lrange(OUT, 0, -1)]
    if got[0] is not None or got[1] or got[2]:
        raise NotYet(
            "stale-token",
            f"let worker a in with its token {old}, when b had been active and a had claimed again (token {new}).",
            "None from head, False from finish, and nothing changes.",
            "A worker is a process with many threads. One of them may have slept since the first token.",
        )
    a.finish(new, "m1", "e1")
    if b.claim(60_000) is not None:
        raise NotYet(
            "two-active", "made b active after a had finished a message, within the minute of a.", "None.",
            "The time of the active worker ends by itself. finish does not end it.",
        )
    a.claim(30)
    time.sleep(0.04)
    if b.claim(60_000) is None:
        raise NotYet(
            "never-ends", "returned None to b 40 ms after a had claimed with a ttl of 30 ms, in a minute of its own.",
            "A new token.", "The time ends ttl_ms after the last claim, also if it would have ended later.",
        )
    for first, second in (("w1", "w12"), ("w12", "w1"), ("w12", "2"), ("a b", "b"), ("b", "a b"), ("a:b", "b")):
        bench.flush()
        answer(r, LANE, first).claim(60_000)
        if answer(r, LANE, second).claim(60_000) is not None:
            raise NotYet(
                "names-mixed-up", f"took the worker {second!r} for {first!r}, who is active.", "None.",
                "A name that begins or ends like another one is another name.",
            )
        if answer(r, LANE, first).claim(60_000) is None:
            raise NotYet("names-mixed-up", f"did not know the worker {first!r} again.", "It is active, and prolongs.")


def _own_clock(answer, bench):
    def with_clock(offset, call):
        clock = SkewedClock(offset)
        with mock.patch("time.time", clock), mock.patch("time.time_ns", lambda: int(clock() * 1e9)):
            return call()

    for mine, yours in ((0, 3600), (-3600, 0)):
        bench.flush()
        a, b = answer(bench.r, LANE, "a"), answer(bench.r, LANE, "b")
        with_clock(mine, lambda a=a: a.claim(60_000))
        if with_clock(yours, lambda b=b: b.claim(60_000)) is not None:
            raise NotYet(
                "trusts-its-own-clock", "made b active in the minute of a: their clocks differ by an hour.", "None.",
                "Only the broker's clock is one for all: lifetimes of keys, or TIME.",
            )


def _in_every_order(answer, bench):
    def expired(r):
        _put(r, "m1", "m2")
        answer(r, LANE, "a").claim(1)
        time.sleep(0.003)

    def one_active(r, results):
        if values(results).count(None) != 1:
            raise NotYet(
                "two-active", f"gave two workers {results[0]} and {results[1]}.", "One has a token, the other None.",
                "Between a look and what follows from it, the other worker acted on the same look.",
            )

    claim = {who: lambda r, who=who: answer(r, LANE, who).claim(60_000) for who in "abc"}
    tried = interleave(bench, expired, [claim["b"], claim["c"]], one_active, limit=40)
    tried += interleave(bench, expired, [claim["a"], claim["b"]], one_active, limit=40)  # a prolongs, or comes back

    def old(r):
        worker = answer(r, LANE, "a")
        return worker.finish(seen["token"], "m1", "m1 by a")

    seen = {}

    def prepare(r):
        _put(r, "m1", "m2")
        seen["token"] = answer(r, LANE, "a").claim(1)
        time.sleep(0.003)

    def once(r, results):
        values(results)
        _order_kept(r, ["m1", "m2"], "when an old owner woke up beside the new one")

    tried += interleave(bench, prepare, [old, lambda r: _serve(answer(r, LANE, "b"), "b")], once, limit=60)
    return f"{tried} interleavings"


def _killed_worker(answer, bench):
    def run(r):
        worker = answer(r, LANE, "a")
        token = worker.claim(8)
        for _ in range(2):
            if (message := worker.head(token)) is not None:
                worker.finish(token, message, f"{message} by a")

    def rest(r, result):
        if isinstance(result, Exception) and not isinstance(result, redis.ConnectionError):
            raise result
        time.sleep(0.01)
        _serve(answer(r, LANE, "b"), "b")
        when = "when a had been killed and b had handled the rest"
        _order_kept(r, ["m1", "m2", "m3"], when)
        if r.exists(LANE):
            raise NotYet(
                "nobody-goes-on", f"left {r.lrange(LANE, 0, -1)} in the lane, {when}.", "An empty lane.",
                "What a dead worker has begun must not bar the way for ever.",
            )

    put = lambda r: _put(r, "m1", "m2", "m3")  # noqa: E731
    points = crash_sweep(bench, put, run, lambda r: None, rest)
    lost = lost_reply_sweep(bench, put, run, rest)
    return f"{points}, {lost}"


def _claims_again(answer, bench):
    """The reply to any command of a claim is lost, and the worker claims once more."""
    seen = {}

    def prepare(r):
        seen["old"] = answer(r, LANE, "z").claim(1)
        time.sleep(0.003)

    def run(r):
        worker = answer(r, LANE, "a")
        for _ in range(3):
            try:
                return worker.claim(60_000)
            except redis.RedisError:
                pass

    def larger(r, got):
        if isinstance(got, BaseException):
            raise got
        if got is None or got <= seen["old"]:
            raise NotYet(
                "token-not-larger",
                f"gave a the token {got}; z had {seen['old']} before. A reply was lost, and a claimed again.",
                "A larger one.",
                "Lease and token belong together: with the first and without the second, the old token stays valid.",
            )

    lost_reply_sweep(bench, prepare, run, larger)


class _Delayed(Hook):
    """Before its n-th step from now, something happens."""

    def __init__(self):
        self.left, self.happens = 0, lambda: None

    def before(self, connection, step):
        self.left -= 1
        if self.left == 0:
            self.happens()
        return step


def _renews_too_late(answer, bench):
    """The active worker is paused before any of the commands of its renewal; another one takes over."""
    for n in range(1, 20):
        bench.flush()
        hook, other = _Delayed(), answer(bench.r, LANE, "b")
        with traced_client(bench.broker.url, hook, socket_timeout=None) as r:
            worker, theirs = answer(r, LANE, "a"), []
            worker.claim(10)

            def takes_over(theirs=theirs, other=other):
                time.sleep(0.012)
                theirs.append(other.claim(60_000))

            hook.left, hook.happens = n, takes_over
            got = worker.claim(10)
            if not theirs:
                return
            if got is not None and theirs[0] is not None:
                raise NotYet(
                    "two-active",
                    f"returned {got} to a, paused before command {n} of its claim; b had got {theirs[0]} meanwhile.",
                    "None: b is active.",
                    "It was the active worker when it looked. Look and renewal belong in one step.",
                )


def _paused_worker(answer, bench):
    bench.flush()
    _put(bench.r, "m1", "m2")
    pid = os.fork()
    if pid == 0:
        finished = True
        try:
            with redis.Redis.from_url(bench.broker.url, decode_responses=True) as own:
                worker = answer(own, LANE, "a")
                token = worker.claim(20)
                message = worker.head(token) or "m1"
                os.kill(os.getpid(), signal.SIGSTOP)
                finished = worker.finish(token, message, f"{message} by a")
        finally:
            os._exit(1 if finished else 0)
    os.waitpid(pid, os.WUNTRACED)
    time.sleep(0.03)
    _serve(answer(bench.r, LANE, "b"), "b")
    os.kill(pid, signal.SIGCONT)
    _, status = os.waitpid(pid, 0)
    when = "when a was stopped with SIGSTOP in the middle of m1, b took over, and a woke up"
    _order_kept(bench.r, ["m1", "m2"], when)
    if status:
        raise NotYet("stale-token", f"returned True from the finish of a, {when}.", "False.")
