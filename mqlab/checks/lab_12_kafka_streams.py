"""Checks of lab 12: windows, sums by event time, a job and a consumer that survive kills, lag, a join in event time."""

from __future__ import annotations

import itertools
import math
import os
import signal
import time
from functools import partial

import confluent_kafka
import redis

from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.kafka_consumer import Slow, watched
from mqlab.checks.kills import in_a_process
from mqlab.checks.outcomes import number
from mqlab.checks.sweeps import crash_sweep, interleave, lost_reply_sweep, values
from mqlab.checks.traced import Hook, traced_client
from mqlab.faults import FakeClock
from mqlab.kafka import Kafka
from mqlab.kafka_standin import StandIn

lab = Lab("12-kafka-streams")
STRETCH = ("PricedOrders",)


# ---------------------------------------------------------------- task 1


def _windows(ts, size, step):
    return [(s, s + size) for s in range(ts - size + 1, ts + 1) if s % step == 0]


def _pairs(value, call):
    try:
        return [(int(start), int(end)) for start, end in value]
    except (TypeError, ValueError):
        raise NotYet("no-pairs", f"returned {value!r:.60} for {call}.", "A list of pairs (start, end).") from None


@lab.task(
    limit=4,
    broker=False,
    hints=[
        "Which multiple of step is the last one that is at or below ts? Python's // rounds down, also for "
        "negative numbers.",
        "From there go back, one step at a time, as long as ts lies before the end: start > ts − size.",
        "The earliest comes first. If even the last start is too far away, there is no window at all.",
    ],
)
def windows_of(answer, bench):
    tried = 0
    for size, step, ts in itertools.product(range(1, 8), range(1, 9), range(-17, 18)):
        _try_windows(answer, ts, size, step)
        tried += 1
    for ts, size, step in [(1_767_225_600_123, 10_000, 2500), (-1_767_225_600_123, 10_000, 10_000), (10**15 + 1, 7, 3),
                           (1_767_225_600_123_456_789, 7, 3), (-1_767_225_600_123_456_789, 7, 4)]:  # fmt: skip
        _try_windows(answer, ts, size, step)
    return f"{tried + 5:,} cases"


def _try_windows(answer, ts, size, step):
    call = f"windows_of({ts}, {size}, {step})"
    got, want = _pairs(answer(ts, size, step), call), _windows(ts, size, step)
    if got == want:
        return
    said = (f"returned {got!r:.80} for {call}.", f"{want!r:.80}.")
    if abs(ts) > 2**53:
        raise NotYet("divides-as-floats", *said, "x / y is a float: about 16 digits of ts are left. x // y stays a "
                     "whole number.")
    if any(end == ts for _, end in got):
        raise NotYet("end-inside", *said, "The end belongs to the next window. Else a record at the border "
                     "counts twice.")
    if any(start > ts or end < ts or end - start != size for start, end in got):
        raise NotYet("not-around-ts", *said, "Each window has that size and contains ts. Below 0, what do int(x "
                     "/ y) and "
                     "x // y give?")  # fmt: skip
    if any(start % step for start, _ in got):
        raise NotYet("not-aligned", *said, "Windows start at multiples of step, for every record alike.")
    if sorted(got) == want:
        raise NotYet("latest-first", *said, "The earliest window comes first.")
    raise NotYet("windows-missing", *said, f"All multiples of {step} above ts − size and up to ts start a "
                 f"window with ts in it.")


# ---------------------------------------------------------------- task 2


class _Reference:
    """The rules of task 2. `rule` replaces one of them, to recognise a misconception by what it returns."""

    def __init__(self, size, grace, partitions, idle, clock, rule=""):
        self.size, self.grace, self.idle, self.clock, self.rule = size, grace, idle, clock, rule
        self.times = dict.fromkeys(partitions, -math.inf)
        self.heard = dict.fromkeys(partitions, clock())
        self.mark, self.sums = -math.inf, {}

    def final(self, start):
        end = start + self.size + (0 if self.rule == "no grace" else self.grace)
        return end < self.mark if self.rule == "below" else end <= self.mark

    def add(self, partition, ts, key, value):
        closed = [] if self.rule == "no tick first" else self.tick()
        when = int(self.clock() * 1000) if self.rule == "wall clock" else ts
        start = (int(when / self.size) if self.rule == "towards zero" else when // self.size) * self.size
        late = self.final(start)
        if (not late or self.rule == "counts late") and (value or self.rule != "no value of 0"):
            self.sums[start, key] = self.sums.get((start, key), 0) + value
        if self.rule == "late is not heard" and late:
            return closed, late
        last = -math.inf if self.rule == "last time" else self.times[partition]
        self.times[partition] = max(last, ts)
        if self.rule != "never heard":
            self.heard[partition] = self.clock()
        return closed + self.tick(), late

    def tick(self):
        now, rule = self.clock(), self.rule
        silent = {p: now - heard for p, heard in self.heard.items()}
        idle = {p for p in silent if silent[p] > self.idle or (rule == "at idle" and silent[p] == self.idle)}
        active = [t for p, t in self.times.items() if p not in idle or rule == "never idle"]
        if rule == "silent ones do not count":
            active = [t for t in active if t > -math.inf]
        if rule == "all idle closes" and not active:
            active = [math.inf]
        if rule == "all idle counts the latest" and not active:
            active = [max(self.times.values())]
        mark = (max if rule == "max" else min)(active, default=-math.inf)
        self.mark = mark if rule == "goes back" else max(self.mark, mark)
        done = [each for each in sorted(self.sums) if self.final(each[0])]
        results = [(*each, self.sums[each] if rule == "kept" else self.sums.pop(each)) for each in done]
        return [each for each in results if each[2] or rule != "no sum of 0"]


# What an answer returns that follows another rule: the rule, the code, why it is wrong.
_OTHER_RULES = [
    ("max", "largest-time", "The largest time of all partitions closes windows that the slow partitions have "
                            "not reached."),
    ("never idle", "stalls-on-idle", "A partition that is silent for more than idle seconds no longer holds up "
                                     "the others."),
    ("never heard", "idle-from-the-start", "Idle counts from the last record of the partition; only before its first, "
     "from the start."),
    ("at idle", "idle-too-soon", "Idle means silent for MORE than idle seconds."),
    ("silent ones do not count", "first-record-missing", "A partition that has sent nothing yet holds the "
     "watermark, until it is idle: for more than idle seconds since the object was made, clock() at that time."),
    ("all idle closes", "all-idle-closes", "If all are idle, the watermark stays where it is: nobody knows what "
                                           "they will bring."),
    ("all idle counts the latest", "all-idle-closes", "If all are idle, the watermark stays where it is."),
    ("goes back", "watermark-goes-back", "A window that was final stays final. An idle partition that comes "
                                         "back does not open it again."),
    ("no grace", "no-grace", "A window stays open until the watermark has reached its end plus grace."),
    ("below", "closes-too-late", "A window is final when end + grace is AT or below the watermark."),
    ("counts late", "counts-late", "Its results have gone out. What comes later is reported as late and not counted."),
    ("kept", "result-repeated", "Each result is returned once. Who adds them up would count it twice."),
    ("wall clock", "processing-time", "A record belongs to the window of its event time (ms), whenever it is "
     "handled. Only idleness looks at clock(), which is in seconds."),
    ("towards zero", "rounds-towards-zero", "int(x / y) rounds towards 0, x // y down: -1 belongs to the window "
                                            "before 0."),
    ("last time", "partition-goes-back", "The time of a partition is its largest ts, not its last one."),
    ("late is not heard", "late-is-not-heard", "A late record shows that its partition is alive, and moves its "
                                               "time on."),
    ("no value of 0", "zero-is-a-value", "A value of 0 is a value: its window has a result."),
    ("no sum of 0", "zero-is-a-value", "A sum of 0 is a result like any other: an order and its refund."),
    ("no tick first", "no-tick-first", "add begins with what tick does: who has gone idle meanwhile no longer "
                                       "holds the watermark."),
]  # fmt: skip


@lab.task(
    broker=False,
    hints=[
        "Keep for each partition its largest ts and when it was heard last, and one watermark for all.",
        "tick: which partitions are not idle? The watermark becomes the smallest of their times, if that is "
        "larger than it is. "
        "Then return and forget what is final, sorted.",
        "Let minus infinity be the time of a partition that has sent nothing: then min does the right thing.",
        "add is short: tick, judge and count, note ts and clock() for the partition, tick. Return both lists, joined.",
    ],
)
def TumblingSum(answer, bench):  # noqa: N802 — the task is a class
    histories = list(_histories(bench.rng))
    for n, (steps, *setting) in enumerate(histories):
        got, want = _outcome(answer, steps, *setting), _outcome(_Reference, steps, *setting)
        if got != want:
            _explain(answer, histories[n:], got, want)
    return f"{len(histories):,} histories of one, two and three partitions"


def _histories(rng):
    """(steps, size, grace, partitions): all short ones of a few steps, the shortest first, and some long ones."""
    one = [("add", 0, ts, "a", 1 << n) for n, ts in enumerate((-1, 0, 1, 2, 4, 5))]
    yield [("add", 0, 1, "a", 7), ("add", 0, 1, "a", -7), ("add", 0, 3, "a", 0), ("add", 0, 9, "a", 1)], 2, 0, [0]
    for length in (1, 2, 3, 4):
        for grace in (0, 1, 3):
            for steps in itertools.permutations(one, length):
                yield [*steps, ("tick",)], 2, grace, [0]
        for kinds in itertools.product(_TWO, repeat=length):
            steps = [(*step, 1 << n) if step[0] == "add" else step for n, step in enumerate(kinds)]
            yield [*steps, ("tick",)], 10, 0, [0, 1]
    for _ in range(400):
        steps = [(*rng.choice(_MANY), (n + 1) * rng.choice((1, 1, 1, 0))) if rng.random() < 0.7 else
                 rng.choice([("tick",), ("sleep", 3), ("sleep", 6)]) for n in range(25)]  # fmt: skip
        yield steps, 10, rng.choice([0, 4, 10]), [2, 5, 7]


_TWO = [("add", 0, 5, "a"), ("add", 0, 12, "a"), ("add", 0, 31, "b"), ("add", 1, 3, "a"), ("add", 1, 15, "b"),
        ("sleep", 5), ("sleep", 6)]  # fmt: skip
_MANY = [("add", partition, ts, key) for partition in (2, 5, 7) for ts in range(-20, 60, 3) for key in "ab"]


def _perform(job, clock, step):
    if step[0] == "sleep":
        return clock.sleep(step[1])
    return job.tick() if step[0] == "tick" else job.add(*step[1:])


def _plain(step, value):
    """The learner's reply in one form; NotYet if it cannot be understood."""
    def results(found):
        return [(int(start), key, total) for start, key, total in found]

    try:
        if step[0] == "add":
            return results(value[0]), bool(value[1])
        return results(value) if step[0] == "tick" else None
    except (TypeError, ValueError, IndexError, KeyError):
        raise NotYet("not-a-result", f"returned {value!r:.70} from {step[0]}.",
                     "From add the pair (closed, late), from tick the list closed; in it (start, key, sum).") from None


def _outcome(make, steps, size, grace, partitions):
    clock = FakeClock(1000.0)
    job = make(size, grace, list(partitions), 5, clock.now)
    return [_plain(step, _perform(job, clock, step)) for step in steps]


def _explain(answer, histories, got, want):
    """Which other rule explains this history and all that follow? Then that is what the answer does."""
    rules, (steps, size, grace, partitions) = list(_OTHER_RULES), histories[0]
    for steps_, *setting in [histories[0], *histories[1::9]]:
        theirs = _outcome(answer, steps_, *setting)
        rules = [each for each in rules
                 if theirs == _outcome(partial(_Reference, rule=each[0]), steps_, *setting)]  # fmt: skip
        if not rules:
            break
    last = next(n for n, (mine, right) in enumerate(zip(got, want, strict=True)) if mine != right)
    told = [f"clock + {s[1]} s" if s[0] == "sleep" else f"{s[0]}({', '.join(map(repr, s[1:]))})"
            for s in steps[: last + 1]]  # fmt: skip
    calls = "; ".join(told[-6:]) + (f" ({last - 5} calls before)" if last > 5 else "")
    with_what = f"(size {size}, grace {grace}, idle 5, partitions {partitions})"
    said = (f"returned {got[last]!r:.90} at the end of: {calls}. {with_what}", f"{want[last]!r:.90}.")
    if rules:
        raise NotYet(rules[0][1], *said, rules[0][2])
    if isinstance(got[last], tuple) and got[last][1] != want[last][1]:
        raise NotYet("wrong-late", *said, "Late is a record whose window is final, and no other.")
    raise NotYet("wrong-results", *said, "Follow the four steps of add, in their order, and the rule of the watermark.")


# ---------------------------------------------------------------- task 3

NAME, OTHER = "kiosk:sums", "kiosk:other"
RECORDS = [(0, "mug", 5), (1, "cup", 2), (2, "mug", 9), (4, "pot", 7), (9, "cup", 1), (10, "mug", 3)]


def _sums(records):
    sums = {}
    for _, key, value in records:
        sums[key] = sums.get(key, 0) + value
    return sums


def _read(r):
    kind = r.type(NAME)
    if kind not in ("hash", "none"):
        raise NotYet("no-hash", f"made {NAME!r} a {kind}.", "A hash: key → sum.")
    try:
        return {key: int(value) for key, value in r.hgetall(NAME).items()}
    except ValueError:
        raise NotYet("no-hash", f"left {r.hgetall(NAME)!r:.70} in the hash.", "Key → sum, whole numbers.") from None


def _is(r, job, records, when, more=""):
    """The sums and the next offset are those of `records`, each counted once."""
    got, want, place = _read(r), _sums(records), job.next_offset()
    if got != want:
        extra = sorted(set(got) - set(want))
        if extra and {k: v for k, v in got.items() if k in want} == want:
            raise NotYet("stray-field", f"left the field {extra[0]!r} in the hash.", "Keys and sums, nothing else.")
        few = sum(got.values()) < sum(want.values())
        code = "lost" if few else "counted-twice"
        raise NotYet(code, f"left {got} {when}.", f"{want}: each record once.", more or (
            "The offset was saved, and its state was not." if few else "The state was saved, and its offset was not."))
    last = records[-1][0] + 1 if records else 0
    if place != last:
        raise NotYet("wrong-offset", f"says that the next offset is {place!r} {when}.",
                     f"{last}: the number after the last record counted.",
                     "A restart at offset() itself reads the last record again; a count of records is no "
                     "offset.")  # fmt: skip


@lab.task(
    hints=[
        "Keep the next offset beside the hash, under name + ':next'. All HINCRBYs of a batch and the new offset "
        "must be one step.",
        "Records below the stored offset are known. Compare with it inside the same step: somebody else may "
        "move it between "
        "your look and your write.",
        "Either WATCH the offset, read it, filter, MULTI … EXEC, and on WatchError begin again; or do all of it "
        "in one Lua script.",
    ],
)
def CheckpointedJob(answer, bench):  # noqa: N802 — the task is a class
    _counts(answer, bench)
    points = crash_sweep(bench, lambda r: answer(r, NAME).run(RECORDS[:2]), lambda r: answer(r, NAME).run(RECORDS[2:5]),
                         lambda r: _go_on(answer, r), lambda r, _: _is(r, answer(r, NAME), RECORDS,
                         "after a kill in the middle, and a restart from next_offset()"))  # fmt: skip
    losses = lost_reply_sweep(bench, lambda r: answer(r, NAME).run(RECORDS[:2]), lambda r: _again(answer, r),
                              lambda r, got: _calmly(answer, r, got))  # fmt: skip
    tried = _two_at_once(answer, bench)
    kills = _killed(answer, bench)
    _errors_pass(answer, bench)
    return f"{points}, {losses}, {tried}, {kills} real kills"


def _counts(answer, bench):
    r, job = bench.r, answer(bench.r, NAME)
    if job.next_offset() != 0:
        raise NotYet("wrong-offset", f"says {job.next_offset()!r} before the first record.", "0.")
    batches = ((RECORDS[:3], 3, 3), ([], 0, 3), (RECORDS[1:5], 2, 5), (RECORDS[:3], 0, 5), (RECORDS[5:], 1, 6))
    for records, want, so_far in batches:
        before = {key: r.dump(key) for key in r.keys()}
        got = job.run(list(records))
        if want == 0 and got == 0 and before != {key: r.dump(key) for key in r.keys()}:
            raise NotYet("moves-for-nothing", f"changed its data in run({records}), where all is known.",
                         "Nothing changes.",
                         "The next offset went back, or a record was counted again.")  # fmt: skip
        _is(r, answer(r, NAME), RECORDS[:so_far], f"after run({records!r:.70}), seen from a new object",
            "Some records had come before, or the process is a new one: nothing may depend on its memory."
            if records is not batches[0][0] else "The sum of a key is over all its records.")  # fmt: skip
        _is(r, job, RECORDS[:so_far], f"after run({records!r:.70}), seen from the object that ran it")
        if got != want:
            raise NotYet("not-a-count", f"returned {got!r:.20} for {len(records)} records, {want} of them "
                         f"new.", f"{want}.",
                         "It is the number of records that this call counted.")  # fmt: skip
    if strays := [key for key in r.keys() if key != NAME and not key.startswith(f"{NAME}:")]:
        raise NotYet("wrong-place", f"used the key {strays[0]!r}.", f"Other keys start with {NAME + ':'!r}.")
    if mortal := [key for key in r.keys() if r.ttl(key) >= 0]:
        raise NotYet("expires", f"gave the key {mortal[0]!r} a lifetime.", "It stays.", "A weekend without orders, and "
                     "the job begins at offset 0 again, or its sums are gone.")  # fmt: skip
    _another_name(answer, r)


def _another_name(answer, r):
    """A job of another name begins at 0. Its values are refunds, and sums of 0."""
    other, before = answer(r, OTHER), _read(r)
    records = [(0, "mug", -3), (7, "mug", -4), (8, "cup", 5), (9, "cup", -5), (12, "pot", 0)]
    if (place := other.next_offset()) != 0 or r.exists(OTHER):
        raise NotYet("one-for-all", f"began at offset {place!r} under another name, with the sums "
                     f"{r.hgetall(OTHER)}.", "Each name has its own sums and offset.")  # fmt: skip
    got, found, place = other.run(list(records)), r.hgetall(OTHER), other.next_offset()
    if _read(r) != before:
        raise NotYet("one-for-all", f"changed the sums of {NAME!r} in a job of another name.", "Each has its own.")
    if (got, found, place) != (5, {"mug": "-7", "cup": "0", "pot": "0"}, 13):
        raise NotYet("zero-is-a-value", f"returned {got!r}, left {found} and the next offset {place!r} after "
                     f"run({records}).", "5, mug −7, cup 0, pot 0, and 13.",
                     "Values are whole numbers, and each record counts: a refund, and also one of 0.")  # fmt: skip


def _go_on(answer, r):
    """A new process: reads on from next_offset(), in two batches."""
    job = answer(r, NAME)
    rest = [record for record in RECORDS if record[0] >= job.next_offset()]
    job.run(rest[:2])
    job.run(rest[2:])


def _again(answer, r):
    job = answer(r, NAME)
    for _ in range(2):
        try:
            return job.run(RECORDS[2:])
        except redis.RedisError:
            continue


def _calmly(answer, r, got):
    if isinstance(got, Exception) and not isinstance(got, redis.RedisError):
        raise got
    _go_on(answer, r)
    _is(r, answer(r, NAME), RECORDS, "after a lost reply, and the same batch again",
        "A reply that is lost does not say whether the command took effect.")  # fmt: skip


def _two_at_once(answer, bench):
    def verify(r, results):
        counts, sums = values(results), _read(r)
        if all(sums.get(key, 0) <= total for key, total in _sums(RECORDS).items()) and sums != _sums(RECORDS):
            raise NotYet("returns-without-counting", f"left {sums} after two processes had run batches that overlap. "
                         f"They returned {counts}.", f"{_sums(RECORDS)}.",
                         "The caller reads on behind a batch that run returned for. If the other was faster, look "
                         "again what is left to count.")  # fmt: skip
        _is(r, answer(r, NAME), RECORDS, "after two processes had run batches that overlap, at the same time",
            "Between the look at the offset and the write, the other one did the same. The offset is never to "
            "go back.")  # fmt: skip
        if sum(counts) != 4:
            raise NotYet("not-a-count", f"returned {counts} in two processes, for 4 new records.",
                         "Numbers that add up to 4.")

    zombie, owner = (lambda r: answer(r, NAME).run(RECORDS[1:5])), (lambda r: answer(r, NAME).run(RECORDS[1:]))
    return interleave(bench, lambda r: answer(r, NAME).run(RECORDS[:2]), [zombie, owner], verify, limit=300)


class _Death(Hook):
    """Kills its process after the n-th command took effect."""

    def __init__(self, n):
        self.left = n

    def after(self, connection, step, reply):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _killed(answer, bench):
    for n in itertools.count(1):
        bench.flush()
        killed = in_a_process(lambda n=n: answer(traced_client(bench.broker.url, _Death(n)), NAME).run(RECORDS))
        _go_on(answer, bench.r)
        _is(bench.r, answer(bench.r, NAME), RECORDS, "after a SIGKILL and a restart from next_offset()")
        if not killed or n > 40:
            return n - 1


def _errors_pass(answer, bench):
    r = bench.unreachable()
    for what, call in (("run", lambda: answer(r, NAME).run(RECORDS)),
                       ("next_offset", lambda: answer(r, NAME).next_offset())):  # fmt: skip
        try:
            got = call()
        except redis.RedisError:
            continue
        raise NotYet("swallows-errors", f"returned {got!r} from {what} while the broker was down.",
                     "The error of the broker.",
                     "0 says: nothing new, or begin at the beginning.")  # fmt: skip


# ---------------------------------------------------------------- task 4

TOPIC, MOST = "kiosk.orders", 20  # of the handled records, how many may come again


class _Refused(Exception):
    """What handle raises."""


class _Log:
    """A topic on the stand-in, and what the group has committed there."""

    def __init__(self, kafka, name, partitions):
        self.kafka, self.group = kafka, f"group of {name}"
        self.topic = kafka.create_topic(name, partitions=partitions)
        self.parts = [confluent_kafka.TopicPartition(self.topic, p) for p in range(partitions)]
        self.producer = kafka.producer(linger_ms=0)
        self.observer = kafka.consumer(group_id=self.group, enable_auto_commit=False)
        self.ends = dict.fromkeys(range(partitions), 0)
        self.seen = []

    def add(self, *partitions):
        for partition in partitions:
            self.producer.produce(self.topic, str(self.ends[partition]), partition=partition)
            self.ends[partition] += 1
        self.producer.flush(10)

    def committed(self):
        return {each.partition: max(0, each.offset) for each in self.observer.committed(self.parts, timeout=10)}

    def follow(self, answer, handle=lambda message: None, slow=None, **settings):
        """One call; the (partition, offset) that it handed to handle are in `seen`."""
        self.seen = []

        def noted(message):
            if not isinstance(message, confluent_kafka.Message) or message.error():
                raise NotYet("no-record", f"called handle with {message!r:.60}.", "Each record, a Message "
                             "without error().",
                             "poll returns None when nothing has come, and errors as messages.")  # fmt: skip
            self.seen.append((message.partition(), message.offset()))
            handle(message)

        config = {**self.kafka.config, "fetch.wait.max.ms": 20, **settings}
        given, made = dict(config), []
        try:
            with watched(answer, slow) as made:
                self.made = made
                got = answer(config, self.topic, self.group, noted)
        finally:
            left_open = any(not consumer.closed for consumer in made)
            for consumer in made:
                consumer.close()
        if config != given:
            raise NotYet("changes-the-config", f"left {sorted(set(config.items()) - set(given.items()))} in config.",
                         "config as it was.", "It is the caller's: other clients are made from it.")  # fmt: skip
        if left_open:
            raise NotYet("not-closed", "returned and left its consumer open.", "close(), also after an exception.",
                         "A consumer holds connections and threads, and in a group also its partitions.")  # fmt: skip
        return got


@lab.task(
    limit=10,
    broker=False,
    hints=[
        "Switch enable.auto.commit off: automatic commits count what was handed over, and close() commits that "
        "as well.",
        "Ask for the ends and the commits first; leave out the partitions where there is nothing to do. assign "
        "the others with "
        "the offset to begin at.",
        "After handle has returned, note offset() + 1 for the partition. Commit these numbers every ten records, and "
        "wait for it: asynchronous=False.",
        "You are done when each partition is at the end that you asked for, or poll says _PARTITION_EOF for it. "
        "None is no end.",
        "Where do you commit so that it happens also if handle raises? Only what was handled is in your notes.",
    ],
)
def follow(answer, bench):
    kafka = Kafka(StandIn(), found="started by the check")
    try:
        _reads_on(answer, _Log(kafka, TOPIC, 3))
        _waits_for_a_slow_broker(answer, _Log(kafka, f"{TOPIC}.slow", 2))
        records = _never_ahead(answer, _Log(kafka, f"{TOPIC}.kill", 2))
        refused = _starts_with_the_failed_one(answer, kafka)
    finally:
        kafka.close()
    return f"{records} records at which a kill was possible, {refused} refused ones, on the stand-in"


def _reads_on(answer, log):
    for new, what in (((0, 0, 0, 2, 2), "five records, none of them in partition 1"), ((), "nothing new"),
                      ((1,), "one more record, in partition 1"), ((0, 1), "two more")):  # fmt: skip
        before = dict(log.ends)
        log.add(*new)
        got = log.follow(answer)
        want = sorted((p, n) for p in log.ends for n in range(before[p], log.ends[p]))
        said = f"with {what}, handled {sorted(log.seen)} as (partition, offset)"
        if len(log.seen) > len(set(log.seen)) or set(log.seen) - set(want):
            raise NotYet("handled-again", f"{said}.", f"{want}.", "All before had been handled and was to be "
                         "committed. The "
                         "number to commit is the next one to read, offset() + 1.")  # fmt: skip
        if sorted(log.seen) != want:
            raise NotYet("skips", f"{said}.", f"{want}.", "From the group's commit, or 0, to the end of each "
                         "partition.")
        for p in log.ends:
            mine = [n for partition, n in log.seen if partition == p]
            if mine != sorted(mine):
                raise NotYet("out-of-order", f"{said}, in the order {mine} in partition {p}.", "A partition's "
                             "order is kept.")
        if got != len(want):
            raise NotYet("not-a-count", f"returned {got!r:.30}; {said}.", f"{len(want)}: how many it handled.")
        if log.committed() == {p: max(0, end - 1) for p, end in log.ends.items()}:
            raise NotYet("off-by-one", f"left the commits {log.committed()} with {what}.", f"{log.ends}, the ends.",
                         "The number to commit is the next one to read: offset() + 1.")  # fmt: skip
        if log.committed() != log.ends:
            raise NotYet("not-committed", f"left the commits {log.committed()} with {what}.", f"{log.ends}, the ends.",
                         "The next process would handle again what is done.")  # fmt: skip


def _waits_for_a_slow_broker(answer, log):
    """At first nothing comes within the time-out of poll, nor after the first record. The end is where it was."""
    log.add(0, 0, 0, 1)
    _all_handled(log, log.follow(answer, slow=Slow(nothing=4)), "four polls in a row found nothing, twice",
                 "None, or an empty list, says that nothing came within that time. get_watermark_offsets "
                 "told where the end is.")


def _all_handled(log, got, when, why):
    want = sorted((p, n) for p, end in log.ends.items() for n in range(end))
    if missing := sorted(set(want) - set(log.seen)):
        raise NotYet("stops-early", f"returned {got!r:.20}. {len(missing)} of {len(want)} records were not handled: "
                     f"{when}.", "All up to the end of each partition.", why)  # fmt: skip


def _never_ahead(answer, log):
    """Look at the commits at each call of handle: this is what a process finds that starts after a kill right now."""
    log.add(*[1] * 15)
    for _ in range(15):  # in small batches: the end of partition 1 is reached long before
        log.add(*[0] * 3)
    done = []

    def handle(message):
        place = (message.partition(), message.offset())
        for wait in (0, 0.1) if len(done) in (4, 25, 44) else (0,):  # time for what commits in the background
            time.sleep(wait)
            committed = log.committed()
            if committed[place[0]] > place[1]:
                raise NotYet(
                    "committed-before",
                    f"had committed {committed[place[0]]} in partition {place[0]} while it handled offset {place[1]}.",
                    f"At most {place[1]}.",
                    "A kill at this moment, and the record is never handled.",
                )
        if (again := sum(n >= committed[p] for p, n in done)) > MOST:
            if any(consumer.on_the_way for consumer in log.made):
                raise NotYet("commits-unseen", f"had {again} handled records whose commits were on their way to a slow "
                             "broker.", f"At most {MOST} that come again after a kill.", "commit() by itself does "
                             "not wait. Look for asynchronous=… in its signature.")  # fmt: skip
            raise NotYet("commits-too-seldom", f"had {again} handled records not committed.", f"At most {MOST}.",
                         "After a kill all of them come again.")  # fmt: skip
        done.append(place)

    got = log.follow(answer, handle, slow=Slow(commits=True))
    _all_handled(log, got, "one partition is three times as long as the other",
                 "The end of one partition is not the end of the topic.")
    return len(done)


def _starts_with_the_failed_one(answer, kafka):
    failed = (0, 3, 11)
    for bad in failed:
        log = _Log(kafka, f"{TOPIC}.failed-{bad}", 2)
        log.add(*[0] * 14, *[1] * 3)

        def handle(message, bad=bad):
            if (message.partition(), message.offset()) == (0, bad):
                raise _Refused(f"offset {bad} of partition 0")

        try:
            log.follow(answer, handle)
        except _Refused:
            pass
        else:
            raise NotYet("swallows-the-exception", "returned although handle had raised.", "The exception passes.",
                         "The caller decides: try again, or send it to a dead-letter topic (lesson 05).")  # fmt: skip
        first = log.seen[:-1]
        if (0, bad) in first:
            raise NotYet("tries-again", f"called handle again with offset {bad}, where it had raised.",
                         "The exception passes at once.", "The caller decides whether to try again.")  # fmt: skip
        log.follow(answer)
        if (0, bad) not in log.seen:
            raise NotYet("skips-the-failed", f"never handled offset {bad} again, where handle had raised.",
                         "The next call begins with it.",
                         "An automatic commit, also that of close(), counts what was handed over.")  # fmt: skip
        if again := sorted(set(first) & set(log.seen)):
            raise NotYet("handled-again", f"handled {again[:4]} again, after an exception at (0, {bad}).",
                         "Only what had not been handled.",
                         "The exception left before the commit of what was done.")  # fmt: skip
        want = {(0, n) for n in range(14)} | {(1, n) for n in range(3)}
        if missing := sorted(want - set(first) - set(log.seen)):
            raise NotYet("skips", f"never handled {missing[:4]}, after an exception at (0, {bad}).", "Every record.")
    return len(failed)


# ---------------------------------------------------------------- task 5


@lab.task(
    broker=False,
    hints=[
        "records: where does the group go on? At its commit, but never before low: max does both, if a missing "
        "commit is −1.",
        "The lag is high minus that place, and never below 0.",
        "seconds: each partition needs lag / (mu − rate). What if mu is not larger than the rate? What if there "
        "is no lag? The "
        "answer is the largest of them.",
    ],
)
def Lag(answer, bench):  # noqa: N802 — the task is a class
    return f"{_records(answer):,} lags, {_seconds(answer):,} times to catch up"


def _records(answer):
    tried = 0
    for low, size, commit in itertools.product(range(4), range(4), [None, -1001, -1, *range(9)]):
        high = low + size
        committed = {7: 3} if commit is None else {0: commit, 7: 3}
        want = {0: max(0, high - max(low, -1 if commit is None else commit)), 1: 5}
        args = ({**committed, 1: 15}, {0: low, 1: 0}, {0: high, 1: 20})
        given = [dict(each) for each in args]
        got = answer.records(*args)
        call = "records({}, {}, {})".format(*given)
        if list(args) != given:
            raise NotYet("changes-arguments", f"changed its arguments in {call}.", "They stay as they are.")
        if got != want:
            _explain_lag(got, want, call, commit, low, high)
        tried += 1
    if answer.records({}, {}, {}) != {}:
        raise NotYet("wrong-lag", "returned something for no partition at all.", "{}.")
    return tried


def _explain_lag(got, want, call, commit, low, high):
    said = (f"returned {got!r:.60} for {call}.", f"{want}.")
    if not isinstance(got, dict) or set(got) != set(want):
        raise NotYet("other-partitions", *said, "Exactly the partitions of high: with or without a commit.")
    if got[1] != want[1]:
        raise NotYet("wrong-lag", *said, "The committed offset is the next one to read: lag = end − committed.")
    if got[0] < 0:
        raise NotYet("negative-lag", *said, "A commit beyond the end is no lag, and certainly not a negative one.")
    if commit is None or commit < 0:
        raise NotYet("no-commit", *said, "Without a commit the group starts at low. A negative number is no offset.")
    if commit < low:
        raise NotYet("deleted-records", *said, "What retention has deleted cannot be read any more: it goes on at low.")
    raise NotYet("wrong-lag", *said, "The committed offset is the next one to read: lag = end − committed.")


def _seconds(answer):
    tried = 0
    for mu, (l0, r0), (l1, r1) in itertools.product((5, 8), *[list(itertools.product((0, 6, 20), (0, 2, 5, 9)))] * 2):
        lag, rates = {0: l0, 3: l1}, {p: rate for p, rate in ((0, r0), (3, r1)) if rate}
        each = [0 if not n else n / (mu - rate) if mu > rate else math.inf for n, rate in ((l0, r0), (l1, r1))]
        call = f"seconds({lag}, {rates}, mu={mu})"
        try:
            got = answer.seconds(dict(lag), dict(rates), mu)
        except ZeroDivisionError:
            got = "a ZeroDivisionError"
        if isinstance(got, str) or not math.isclose(number(got, call, infinite=True), max(each), rel_tol=1e-6):
            _explain_seconds(got, max(each), call, each, (l0, l1), (r0, r1), mu)
        tried += 1
    if answer.seconds({}, {}, 5) != 0:
        raise NotYet("wrong-seconds", "returned something else than 0 for no partition.", "0: nothing is behind.")
    return tried


def _explain_seconds(got, want, call, each, lags, rates, mu):
    said = (f"gave {got if isinstance(got, str) else f'{got:.4g}'} for {call}.", f"{want:.4g}.")
    if isinstance(got, str) or got < 0 or (want == math.inf and got != math.inf):
        raise NotYet("never-catches-up", *said, "If mu is not larger than the rate, the lag never gets to 0.")
    if any(n == 0 for n in lags) and got == math.inf:
        raise NotYet("no-lag-no-wait", *said, "A partition without lag is not behind, however fast records come.")
    if math.isclose(got, max(lags) / mu):
        raise NotYet("forgets-arrivals", *said, "New records come while it works: the lag shrinks by mu − rate "
                     "a second.")
    raise NotYet("wrong-seconds", *said, "Each partition has its own consumer. They are all done when the "
                 "slowest is: no sum, "
                 "no average.")  # fmt: skip


# ---------------------------------------------------------------- stretch


def _price_at(prices, ts):
    valid = [cents for at, cents in sorted(prices) if at <= ts]
    return valid[-1] if valid else None


@lab.task(
    broker=False,
    hints=[
        "order only notes it; advance does the work. At order time, an older price may still be on its way.",
        "Keep all prices of a product, sorted by ts. bisect finds the last one at or below the order's ts.",
        "In advance take the orders with ts < watermark out of the waiting ones, so that none goes out twice.",
    ],
)
def PricedOrders(answer, bench):  # noqa: N802 — the task is a class
    tried = 0
    for count in range(4):
        for times in itertools.combinations(range(1, 5), count):
            prices = [("price", ts, "mug", 100 * (4 - ts)) for ts in times]  # the last one is 0
            for at in range(6):
                for events in itertools.permutations([*prices, ("order", at, "o1", "mug", 2)]):
                    for often in (True, False):
                        _join(answer, events, often)
                        tried += 1
    for _ in range(300):
        events = [("price", ts, product, bench.rng.randint(1, 99)) for product in ("mug", "cup")
                  for ts in bench.rng.sample(range(20), 5)]  # fmt: skip
        events += [("order", bench.rng.randrange(20), f"o{n}", bench.rng.choice(["mug", "cup", "pot"]), n + 1)
                   for n in range(8)]  # fmt: skip
        bench.rng.shuffle(events)
        _join(answer, events, True)
        tried += 1
    return f"{tried:,} orders of events"


def _join(answer, events, often):
    """Give the events in this order. often: after each, advance to the time up to which all have been given."""
    shop, gone = answer(), set()
    for n, event in enumerate(events, start=1):
        getattr(shop, event[0])(*event[1:])
        if often or n == len(events):
            mark = min((each[1] for each in events[n:]), default=99)
            gone |= _compare(shop.advance(mark), events[:n], gone, mark)


def _compare(got, given, gone, mark):
    prices = {}
    for event in given:
        if event[0] == "price":
            prices.setdefault(event[2], []).append((event[1], event[3]))
    due = sorted(event[1:] for event in given if event[0] == "order" and event[1] < mark and event[2] not in gone)
    want = []
    for ts, name, product, qty in due:
        cents = _price_at(prices.get(product, []), ts)
        want.append((name, None if cents is None else qty * cents))
    try:
        got = [(name, total) for name, total in got]
    except (TypeError, ValueError):
        raise NotYet("not-a-list", f"returned {got!r:.60} from advance.", "A list of pairs (id, total).") from None
    if got != want:
        _explain_join(got, want, given, gone, mark, prices)
    return {name for name, _ in want}


def _explain_join(got, want, given, gone, mark, prices):
    told = "; ".join(f"{event[0]}{event[1:]}" for event in given[:6]) + (" …" if len(given) > 6 else "")
    said = (f"returned {got!r:.70} from advance({mark}) after {told}", f"{want!r:.70}.")
    names, orders = [name for name, _ in got], {event[2]: event for event in given if event[0] == "order"}
    if gone & set(names) or len(names) > len(set(names)):
        raise NotYet("emitted-twice", *said, "Each order is returned once.")
    if set(names) - {name for name, _ in want}:
        raise NotYet("emitted-early", *said, "Only orders before the watermark: for the others a price may still come.")
    if set(names) != {name for name, _ in want}:
        raise NotYet("never-emitted", *said, "All orders before the watermark, priced or not.")
    if sorted(got, key=str) == sorted(want, key=str):
        raise NotYet("out-of-order", *said, "In ascending order of (ts, id).")
    totals = dict(want)
    for name, total in got:
        if total == totals[name]:
            continue
        _, ts, _, product, qty = orders[name]
        if totals[name] is None:
            raise NotYet("price-of-the-future", *said, "There was no price yet at that time: None.")
        earlier = _price_at(prices[product], ts - 1)
        if total is None and totals[name] == 0:
            raise NotYet("free-is-a-price", *said, "A price of 0 is a price: the total is 0. None says that there was "
                         "none.")
        before = given[: given.index(orders[name])]
        known = len(prices[product]) == 1 and any(event[:3] == ("price", ts, product) for event in before)
        if known and total == (None if earlier is None else qty * earlier):
            raise NotYet("border-of-a-price", *said, "A price is valid from its ts on, that millisecond included.")
        raise NotYet("price-of-another-time", *said, "The last price at or before the order's event time: not "
                     "the newest, and "
                     "not the one that happened to be known when the order came.")  # fmt: skip
