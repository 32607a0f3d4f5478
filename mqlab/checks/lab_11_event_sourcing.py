"""Checks of lab 11: rules of an order, an append, a load with snapshots, a projection, keys that can be forgotten."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import json
import os
import random
import re
import signal
import smtplib
import socket
import time
from unittest import mock

import redis

from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.sweeps import SimulatedCrash, crash_sweep, interleave, lost_reply_sweep, race, values
from mqlab.checks.traced import Hook, traced_client

lab = Lab("11-event-sourcing")
STRETCH = ("Vault",)
S, V, KEYS = "kiosk:order:1", "kiosk:view", "kiosk:keys"


def _fill(r, events, stream=S, after=0):
    """Write the events as versions after+1 … of the stream."""
    with r.pipeline() as p:
        for version, event in enumerate(events, after + 1):
            p.xadd(stream, {"event": json.dumps(event)}, id=f"{version}-0")
        p.execute()


def _passes_errors(bench, call, what, where=""):
    """`call(r)` lets the errors of the broker out: it is down, it does not answer."""
    slow = bench.client(socket_timeout=0.1)
    slow.ping()
    for r, how in ((bench.unreachable(), "is down"), (slow, "does not answer")):
        if r is slow:
            bench.r.execute_command("CLIENT", "PAUSE", 300, "ALL")
        try:
            got = call(r)
        except redis.RedisError:
            continue
        finally:
            bench.r.ping()  # answers when the pause is over
        raise NotYet(
            "hides-an-error",
            f"returned {got!r:.40}{where} although the broker {how}.",
            "The exception of the client passes.",
            f"{what} An error means that nobody knows.",
        )


# ---------------------------------------------------------------- task 1

GENERIC = re.compile(r"updated|changed|modified|saved|set$|state|snapshot", re.I)


class _Model:
    """The rules, for comparison: state is (total, paid, status), None before the first event."""

    @staticmethod
    def decide(state, command):
        total, paid, status = state or (0, 0, "none")
        left, do = total - paid, command["do"]
        if do == "place" and state is None and command["total"] > 0:
            return [{"type": "OrderPlaced", "total": command["total"]}]
        if do == "pay" and status in ("placed", "shipped") and 0 < command["amount"] <= left:
            paid_up = [{"type": "OrderPaid"}] if command["amount"] == left else []
            return [{"type": "PaymentReceived", "amount": command["amount"]}, *paid_up]
        if do == "cancel" and status == "placed":
            return [*([{"type": "Refunded", "amount": paid}] if paid > 0 else []), {"type": "OrderCancelled"}]
        return [{"type": "OrderShipped"}] if do == "ship" and status == "placed" and left <= 0 else []

    @staticmethod
    def evolve(state, event):
        total, paid, status = state or (0, 0, "none")
        kind, amount = event["type"], event.get("amount", 0)
        status = {"OrderPlaced": "placed", "OrderCancelled": "cancelled", "OrderShipped": "shipped"}.get(kind, status)
        paid += {"PaymentReceived": amount, "Refunded": -amount}.get(kind, 0)
        return event.get("total", total), paid, status


COMMANDS = [{"do": "place", "total": n} for n in (3, 1, 0, -1)] + [{"do": "pay", "amount": n} for n in (1, 2, 3, 0, -1)]
COMMANDS += [{"do": "cancel"}, {"do": "ship"}, {"do": "dance"}]


def _histories(rng):
    """Histories that lead to every state of a small order, some of old days, and some long ones."""
    seen, todo, found = {None}, [(None, [])], [[]]
    while todo:
        state, events = todo.pop(0)
        for command in COMMANDS:
            then, more = state, _Model.decide(state, command)
            for event in more:
                then = _Model.evolve(then, event)
            if then not in seen:
                seen.add(then)
                todo.append((then, events + more))
                found.append(events + more)
    placed, paid = {"type": "OrderPlaced", "total": 3}, {"type": "PaymentReceived", "amount": 5}
    shipped, cancelled = {"type": "OrderShipped"}, {"type": "OrderCancelled"}
    old = [[placed, paid], [placed, shipped], [placed, paid, shipped], [placed, cancelled, paid]]
    old.append([placed, shipped, cancelled])
    for _ in range(20):
        parts = [rng.randint(1, 900) for _ in range(rng.randint(1, 6))]
        old.append([{"type": "OrderPlaced", "total": sum(parts)}])
        old[-1] += [{"type": "PaymentReceived", "amount": part} for part in parts[: rng.randint(0, len(parts))]]
    return found, old


@lab.task(
    hints=[
        "Three things are enough as a state: the total, what is paid, and how far the order is. Return a new value; do "
        "not change the one you were given.",
        "decide reads the state and the command, and nothing else. What happened goes into the events; evolve makes "
        "the state of them.",
        "evolve has one case for each of the six events, and raises ValueError when no case fits. No case asks whether "
        "the event was allowed.",
    ],
    broker=False,
)
def Order(answer, bench):  # noqa: N802 — the task is a class
    found, old = _histories(bench.rng)
    outside = io.StringIO()

    def acts(*args, **kwargs):
        outside.write("a connection")
        return mock.MagicMock()

    with (
        contextlib.redirect_stdout(outside),
        mock.patch.object(smtplib, "SMTP", acts),
        mock.patch.object(socket, "socket", acts),
    ):
        tried = sum(_decides(answer, events, outside) for events in found + old)
    for events in found + old:
        _once_more(answer, events)
    try:
        state = answer.evolve(_folded(answer, found[1]), {"type": "OrderTeleported", "amount": 1})
    except ValueError:
        return f"{tried:,} commands, {len(found) + len(old)} histories, each replayed twice"
    except Exception as error:
        raise NotYet(
            "other-error",
            f"evolve raised {error!r:.60} at an event of a type that it does not know.",
            "It raises ValueError, with a message that names the type.",
            "Whoever replays must be able to tell an event that is too new from a bug in evolve.",
        ) from None
    raise NotYet(
        "skips-unknown",
        f"evolve went on with the state {state!r:.40} after an event of a type that it does not know.",
        "It raises ValueError.",
        "A state with an event left out looks like a right one, and decisions are taken on it.",
    )


def _folded(answer, events):
    state = None
    for event in events:
        before = copy.deepcopy((state, event))
        try:
            after = answer.evolve(state, event)
        except ValueError as error:
            raise NotYet(
                "evolve-refuses",
                f"evolve raised {error!r:.60} at {event['type']} in the history {_names(events)}.",
                "It refuses no event of the six types.",
                "The event has happened. A replay that stops at it leaves you without any state.",
            ) from None
        if (state, event) != before:
            raise NotYet(
                "changes-the-old-state",
                f"evolve changed the {'event' if state == before[0] else 'state'} it was given, at {event['type']}.",
                "It returns a new value and leaves its arguments as they are.",
                "Others hold the same value: a snapshot, a cache, the next decision.",
            )
        if copy.deepcopy(after) != after:
            raise NotYet(
                "not-comparable",
                f"evolve returned a {type(after).__name__} that is not equal to a copy of itself, at {event['type']}.",
                "A value that == can compare: a tuple, a dict, a dataclass.",
                "Otherwise nobody can tell whether two replays gave the same state.",
            )
        state = after
    return state


def _names(events):
    return "[" + ", ".join(event["type"] for event in events) + "]"


def _decides(answer, events, outside):
    """The answer's decisions after these events are those of the model."""
    state, right = _folded(answer, events), None
    for event in events:
        right = _Model.evolve(right, event)
    for command in COMMANDS:
        before, due = copy.deepcopy((state, command)), _Model.decide(right, command)
        got = answer.decide(state, command)
        where = f"for {json.dumps(command)} after {_names(events)}"
        if not isinstance(got, (list, tuple)) or not all(isinstance(event, dict) and "type" in event for event in got):
            raise NotYet("no-list-of-events", f"decide returned {got!r:.60} {where}.", "A list of events, or [].")
        if (state, command) != before:
            raise NotYet(
                "decide-changes-the-state",
                f"decide changed its arguments {where}.",
                "It returns events. evolve makes the next state of them.",
                "The events may never be stored: somebody else may have been faster.",
            )
        if outside.getvalue():
            raise NotYet(
                "acts",
                f"printed something, or opened a connection: {outside.getvalue()!r:.40}.",
                "Neither function does anything but return a value.",
                "A replay runs them again: after a restart every customer would get every mail once more.",
            )
        if len(due) and any(GENERIC.search(event["type"]) for event in got):
            raise NotYet(
                "event-says-nothing",
                f"decide returned the event {got[0]['type']!r:.40} {where}.",
                f"{due[0]['type']!r}: an event says what happened.",
                "From 'the row is different now' nobody can tell a payment from a correction, today or in a year.",
            )
        if list(got) != due:
            shown = ", ".join(json.dumps(event) for event in got) or "nothing"
            raise NotYet(
                "wrong-events",
                f"decide returned {shown:.90} {where}.",
                f"{', '.join(json.dumps(event) for event in due) or 'Nothing: it is refused'}.",
                "The table has the rules. A decision may need several events, and some states forbid it.",
            )
    return len(COMMANDS)


def _once_more(answer, events):
    """The same events give the same state: later, in another order of histories, at another time."""
    first = _folded(answer, events)
    with mock.patch("time.time", lambda: 4e9), mock.patch("time.time_ns", lambda: 4 * 10**18):
        again = _folded(answer, copy.deepcopy(events))
    if first != again:
        raise NotYet(
            "replay-differs",
            f"two replays of {_names(events)} gave {first!r:.50} and {again!r:.50}.",
            "The same events give the same state, whenever and wherever.",
            "What a clock, a random number or a counter says is known only once. What must stay belongs in an event.",
        )


# ---------------------------------------------------------------- task 2


def _e(id, **more):
    return {"id": id, "type": "Noted", "v": 1, **more}


def _version(got):
    if got is not None and (isinstance(got, bool) or not isinstance(got, int)):
        raise NotYet("not-a-version", f"returned {got!r:.60}.", "The new version, a whole number, or None.")
    return got


def _stored(r, stream=S):
    """The ids of the events, in order; the versions must be 1, 2, 3 …"""
    ids = []
    for version, (entry, fields) in enumerate(r.xrange(stream), 1):
        try:
            ids.append(json.loads(fields["event"])["id"])
        except (KeyError, ValueError, TypeError):
            raise NotYet("wrong-entry", f"stored {fields!r:.60}.", "One field, event: the event as JSON.") from None
        if "*" in entry or not entry.endswith("-0") or len(entry) > 10:
            raise NotYet("wrong-entry", f"stored an event under the id {entry}.", f"Event {version} is {version}-0.")
        if entry != f"{version}-0":
            raise NotYet(
                "leaves-a-gap",
                f"left a stream in which entry {entry} comes where {version}-0 should be.",
                "Versions 1, 2, 3 … without a gap.",
                "The broker refuses an id that is too small. It does not mind one that is too large.",
            )
    return ids


@lab.task(
    hints=[
        "If the version is not the expected one, look whether your events already stand at expected+1, expected+2 …: "
        "then it is the same call again, and it has succeeded.",
        "Between your look at the version and your XADD somebody else may append. One Lua script is one step; so are "
        "WATCH, MULTI and EXEC. What does your expected version have to be compared with?",
        "All events go in with the same step, or a crash leaves some of them behind.",
    ],
    limit=20,
)
def append(answer, bench):
    _appends(answer, bench)
    _keeps_all(answer, bench)
    _knows_its_own(answer, bench)
    tried = _one_winner(answer, bench)
    points = _all_or_nothing(answer, bench)
    _same_call_at_once(answer, bench)

    def twice(r):
        try:
            return answer(r, S, 0, [_e("a"), _e("b")])
        except redis.RedisError:  # a pipeline that watches makes a WatchError of a lost connection
            return answer(r, S, 0, [_e("a"), _e("b")])

    def once(r, got):
        if isinstance(got, Exception):
            raise got
        _same_call(_stored(r), ["a", "b"], got, 2)

    losses = lost_reply_sweep(bench, lambda r: None, twice, once)
    _sixteen(answer, bench)
    _passes_errors(bench, lambda r: answer(r, S, 0, [_e("x")]), "None says: somebody else was faster.")
    return f"{tried}, {points}, {losses}, 16 writers at once"


def _appends(answer, bench):
    r = bench.r
    if (got := _version(answer(r, S, 0, [_e("a", note="Ærø")]))) != 1 or _stored(r) != ["a"]:
        raise NotYet("wrong-version", f"returned {got}, and the stream holds {_stored(r)}.", "1, and one event, a.")
    if json.loads(r.xrange(S)[0][1]["event"]) != _e("a", note="Ærø"):
        raise NotYet("wrong-entry", f"stored {r.xrange(S)[0][1]!r:.80}.", "The event as it was given, as JSON.")
    if _version(answer(r, S, 0, [_e("x")])) is not None or _stored(r) != ["a"]:
        raise NotYet(
            "ignores-expected",
            f"took an event for version 0 when the stream had 1; it holds {r.xlen(S)} now.",
            "None, and nothing changes.",
            "The decision was taken on a state without event a. Perhaps the last mug was sold twice.",
        )
    got = _version(answer(r, S, 4, [_e("x")]))
    if got is not None or _stored(r) != ["a"]:
        raise NotYet("leaves-a-gap", "took an event for version 4 when the stream had 1.", "None, and nothing changes.")
    got = _version(answer(r, S, 1, [_e("b"), _e("c")])), _version(answer(r, S, 3, [])), _version(answer(r, S, 1, []))
    if got != (3, 3, None) or _stored(r) != ["a", "b", "c"]:
        raise NotYet(
            "wrong-version",
            f"returned {got[0]} for two events after one, {got[1]} for no events at 3, and {got[2]} for none at 1.",
            "3, 3 and None.",
        )
    if strays := [key for key in r.keys() if key != S and not key.startswith(f"{S}:")]:
        raise NotYet("wrong-place", f"used the key {strays[0]!r}.", f"Other keys start with {S + ':'!r}.")
    given = _e("d", lines=[], none={}, serial=2**53 + 1, price=0.1)
    answer(r, S, 3, [given])
    if (kept := json.loads(r.xrange(S, "4-0", "4-0")[0][1]["event"])) != given:
        name = next((name for name in given if name not in kept or kept[name] != given[name]), "id")
        raise NotYet(
            "another-event",
            f"stored {kept.get(name)!r} as {name!r} of an event, where {given[name]!r} was given.",
            "The event as it was given, as JSON.",
            "Not everything survives being read and written again: the cjson of Lua makes {} of [], and rounds.",
        )


def _keeps_all(answer, bench):
    bench.flush()
    for start in range(0, 3000, 500):
        answer(bench.r, S, start, [_e(f"e{n}") for n in range(start, start + 500)])
    if (left := bench.r.xlen(S)) != 3000:
        raise NotYet(
            "forgets-history",
            f"left {left:,} of 3,000 events in the stream.",
            "All of them.",
            "The events are the only truth there is. What is trimmed is missing from every replay.",
        )
    bench.flush()
    bench.r.set(S, "a string")
    try:
        got = answer(bench.r, S, 0, [_e("a")])
    except redis.ResponseError:
        return
    raise NotYet("hides-an-error", f"returned {got!r:.40} when the key is no stream.", "The broker's error passes.")


def _same_call(ids, right, got, version):
    if len(ids) > len(set(ids)):
        raise NotYet(
            "appended-twice",
            f"left {ids} in the stream after the same call was made again.",
            f"{right}.",
            "The reply was lost, not the events. The caller cannot know; the store can.",
        )
    if ids != right or got != version:
        raise NotYet(
            "retry-is-a-conflict",
            f"returned {got} when the same call was made again; the stream holds {ids}.",
            f"{version}, as the first call, and {right}.",
            "Whoever repeats a call after a lost reply has won already. Told None, it decides anew and sells twice.",
        )


def _knows_its_own(answer, bench):
    bench.flush()
    r = bench.r
    answer(r, S, 0, [_e("a"), _e("b")])
    for call, then in (((0, "ab"), []), ((0, "ab"), [(2, "c")]), ((2, "c"), [])):
        for expected, ids in then:
            answer(r, S, expected, [_e(id) for id in ids])
        before = [json.loads(fields["event"])["id"] for _, fields in r.xrange(S)]
        got = answer(r, S, call[0], [_e(id) for id in call[1]])
        _same_call(_stored(r), before, got, call[0] + len(call[1]))
    got = answer(r, S, 2, [_e("c", at="a moment later")])
    _same_call(_stored(r), ["a", "b", "c"], got, 3)
    others = ((0, "ax"), (0, "xb"), (1, "x"), (2, "cd"), (1, "bcd"), (0, "ba"), (0, "axc"))
    for expected, ids in (*others, (5, "ab"), (1, "ab"), (0, ["ab"]), (0, ["a,b"])):
        before = r.xrange(S)
        got, now = answer(r, S, expected, [_e(id) for id in ids]), r.xrange(S)
        if got is not None or now != before:
            raise NotYet(
                "takes-it-for-its-own" if now == before else "rewrites-history",
                f"returned {got} for {list(ids)} at version {expected}, where 1 to 3 are a, b, c; "
                f"{'nothing' if now == before else 'what is stored'} changed.",
                "None, and nothing changes: this is another call.",
                "Only if all of them stand where they belong, the call has been made before.",
            )
    expired = [key for key in r.keys(f"{S}:*") if r.pttl(key) >= 0]
    for key in expired:  # as time will do
        r.delete(key)
    if (got := answer(r, S, 0, [_e("a"), _e("b")])) != 2:
        raise NotYet(
            "forgets-its-own",
            f"returned {got} to the same call, made again after {expired[:1]} had expired.",
            "2, as the first call.",
            "A queue or a paused laptop delivers the call a second time as late as it likes. The stream keeps the ids.",
        )


def _begun(r):
    _fill(r, [_e("z")])


def _call(answer, name, size=2):
    return lambda r: answer(r, S, 1, [_e(f"{name}{n}") for n in range(1, size + 1)])


def _one_winner(answer, bench):
    def one_of(sizes):
        def verify(r, results):
            got, ids = [_version(value) for value in values(results)], [_id(entry) for entry in r.xrange(S)]
            won = [i for i in (0, 1) if got[i] is not None]
            due = ["z", *[f"{'AB'[i]}{n}" for i in won for n in range(1, sizes[i] + 1)]]
            if len(won) == 1 and ids == due and got[won[0]] == len(due):
                return
            raise NotYet(
                "two-winners" if len(won) == 2 or len({id[0] for id in ids}) == 3 else "no-winner",
                f"told two callers {got[0]} and {got[1]}, both with expected version 1; the stream holds {ids}.",
                "One gets the new version, the other None. The stream has all events of the one, none of the other.",
                "Between the look at the version and the append, the other one appended.",
            )

        return verify

    tried = interleave(bench, _begun, [_call(answer, "A"), _call(answer, "B")], one_of((2, 2)), limit=200)
    interleave(bench, _begun, [_call(answer, "A", 1), _call(answer, "B")], one_of((1, 2)), limit=200)
    return tried


def _id(entry):
    try:
        return json.loads(entry[1]["event"])["id"]
    except (KeyError, ValueError, TypeError):
        return "?"


def _same_call_at_once(answer, bench):
    def same(r, results):
        got = [_version(value) for value in values(results)]
        if got != [3, 3]:
            raise NotYet(
                "retry-is-a-conflict",
                f"told the same call, made twice at once, {got[0]} and {got[1]}.",
                "3 and 3.",
                "A client that lost patience calls again while its first call is still under way.",
            )
        _same_call(_stored(r), ["z", "A1", "A2"], 3, 3)

    interleave(bench, _begun, [_call(answer, "A"), _call(answer, "A")], same, limit=200)


def _all_or_nothing(answer, bench):
    after = []

    def next_one(r):
        after.append(r.xlen(S))
        after.append(answer(r, S, after[0], [_e("d")]))

    def whole(r, result):
        (before, got), ids = after[:2], r.xrange(S)
        after.clear()
        if before not in (1, 4):
            raise NotYet(
                "half-appended",
                f"left {before - 1} of 3 events in the stream: the process was killed.",
                "All three or none.",
                "They were one decision: 'paid' without 'all is paid' is a state that no rule allows.",
            )
        if got != before + 1 or len(ids) != before + 1:
            raise NotYet(
                "stuck-after-a-crash",
                f"returned {got} to the next caller, who expected {before}; the stream holds {len(ids)} events.",
                f"{before + 1}.",
                "What a killed process held or counted, nobody gives back.",
            )
        _stored(r)

    return crash_sweep(bench, _begun, _call(answer, "A", 3), next_one, whole)


def _sixteen(answer, bench):
    bench.flush()

    def until_in(i, r):
        for _ in range(400):
            if answer(r, S, r.xlen(S), [_e(f"w{i}a"), _e(f"w{i}b")]) is not None:
                return
        raise NotYet("no-winner", "let a writer fail 400 times in a row.", "Conflicts: others succeeded.")

    values(race(bench, 16, until_in))
    ids = _stored(bench.r)
    if len(ids) != 32 or any(ids[n][:-1] != ids[n + 1][:-1] for n in range(0, 32, 2)):
        raise NotYet("two-winners", f"left {len(ids)} events of 16 writers, two each, or mixed them.", "32, in pairs.")


# ---------------------------------------------------------------- task 3


def _payment(n):
    """Event n, in one of its forms."""
    if n % 7 == 0:
        return {"id": f"e{n}", "type": "Noted", "v": 1, "n": n}
    forms = [{"type": "Payed", "v": 1, "euros": n}, {"type": "Paid", "v": 2, "cents": 100 * n},
             {"type": "Paid", "v": 3, "amount": [100 * n, "EUR"]}]  # fmt: skip
    return {"id": f"e{n}", **forms[n % 3]}


def _to_2(event):
    return {"id": event["id"], "type": "Paid", "v": 2, "cents": 100 * event["euros"]}


def _to_3(event):
    return {"id": event["id"], "type": "Paid", "v": 3, "amount": [event["cents"], "EUR"]}


UPCASTERS = {("Payed", 1): _to_2, ("Paid", 2): _to_3}


class _Evolve:
    """Folds events of the newest form; counts its calls, and notes the first of an older form."""

    def __init__(self, factor=1):
        self.factor, self.calls, self.old = factor, 0, None

    def __call__(self, state, event):
        self.calls += 1
        state = state or {"cents": 0, "trail": "", "events": 0}
        if event["type"] not in ("Paid", "Noted"):
            if event["type"] != "Payed":
                raise ValueError(f"unknown event {event['type']}")
            self.old = self.old or event
        if event["type"] == "Paid" and event["v"] != 3:
            self.old = self.old or event
        cents = event["amount"][0] if "amount" in event else 0
        trail = hashlib.sha256(f"{state['trail']}{event['id']}".encode()).hexdigest()[:8]  # the order matters
        return {"cents": state["cents"] + self.factor * cents, "trail": trail, "events": state["events"] + 1}


_TRUTHS: dict[int, list] = {}


def _truth(count, factor=1):
    """The state after that many events."""
    states = _TRUTHS.setdefault(factor, [None])
    while len(states) <= count:
        event = _payment(len(states))
        while change := UPCASTERS.get((event["type"], event["v"])):
            event = change(event)
        states.append(_Evolve(factor)(states[-1], event))
    return states[count]


class _Fetched(Hook):
    """Counts the events in what the broker replies."""

    def __init__(self):
        self.count = 0

    def after(self, connection, step, reply):
        self.count += self._entries(reply)

    def _entries(self, value):
        if isinstance(value, dict):
            value = [part for pair in value.items() for part in pair]
        if isinstance(value, (list, tuple)):
            return sum(map(self._entries, value))
        return bool(re.fullmatch(rb"\d+-0", value if isinstance(value, bytes) else str(value).encode()))


def _load(answer, r, *, upto=None, logic="one", every=100, factor=1, stream=S):
    """(state, version, calls of evolve)."""
    evolve = _Evolve(factor)
    got = answer(r, stream, evolve, UPCASTERS, logic=logic, upto=upto, every=every)
    if evolve.old:
        raise NotYet(
            "not-upcast",
            f"gave evolve a {evolve.old['type']} of version {evolve.old['v']}.",
            "It gets every event in its newest form: one upcaster after the other, as long as there is one.",
            "evolve knows only the newest form. Each upcaster leads to the next version, not to the last.",
        )
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise NotYet("not-a-pair", f"returned {got!r:.60}.", "(state, version).")
    return got[0], got[1], evolve.calls


def _is_right(answer, r, count, upto=None, code="wrong-state", because="", **more):
    due = count if upto is None else min(upto, count)
    state, version, calls = _load(answer, r, upto=upto, **more)
    if version != due or state != _truth(due, more.get("factor", 1)):
        if upto is not None and isinstance(version, int) and version > due:
            code = "from-the-future"
        if isinstance(version, int) and version > count:
            because = "The version is the number of events in the state, also in the name of a snapshot."
        said = state["events"] if isinstance(state, dict) and "events" in state else f"{state!r:.30}"
        raise NotYet(
            code,
            f"returned version {version} and a state of {said} events for upto={upto} of {count} events"
            + (", or the events were other ones." if said == due else "."),
            f"Version {due} and the state of a replay of the first {due} events.",
            because,
        )
    return calls


@lab.task(
    hints=[
        "First without snapshots: read page by page, lift each event until no upcaster fits, fold. The version is the "
        "id of the last event that you folded, and nothing else.",
        "A snapshot that is newer than upto cannot be used. One that is older than another must not take its place: "
        "several can be kept, by version.",
        "A snapshot is a pair, state and version. Whoever writes them in two steps can be killed in between. What must "
        "its key contain, so that other logic does not find it?",
    ],
    limit=20,
)
def load(answer, bench):
    _loads(answer, bench)
    _travels(answer, bench)
    _stops_at_unknown(answer, bench)
    _is_fast(answer, bench)
    _at_the_edge(answer, bench)
    _knows_the_logic(answer, bench)
    points = _whole_snapshots(answer, bench)
    tried = _beside_others(answer, bench)
    bench.flush()
    _passes_errors(bench, lambda r: answer(r, S, _Evolve(), UPCASTERS, logic="one"), "(None, 0) says: no events.")
    return f"{tried}, {points}, 90 moments of a history"


def _loads(answer, bench):
    r = bench.r
    got = _load(answer, r)
    if got[:2] != (None, 0):
        raise NotYet("wrong-state", f"returned {got[:2]} for a stream without events.", "(None, 0).")
    events = [_payment(n) for n in range(1, 1501)]
    _fill(r, events)
    before = r.xrange(S), r.xinfo_stream(S)["last-generated-id"]
    _is_right(answer, r, 1500, because="No event is left out, however many there are.")
    if (r.xrange(S), r.xinfo_stream(S)["last-generated-id"]) != before:
        raise NotYet(
            "changes-the-stream",
            "changed what is stored in the stream.",
            "It only reads.",
            "Upcasting is for the reader. Old code, an audit, a signature: they all need the events as they were.",
        )
    if strays := [key for key in r.keys() if key != S and not key.startswith(f"{S}:")]:
        raise NotYet("wrong-place", f"used the key {strays[0]!r}.", f"Other keys start with {S + ':'!r}.")
    bench.flush()
    _fill(r, events[:300])
    because = "A state kept in this process is a cache that nobody can invalidate, and other processes have none."
    _is_right(answer, r, 300, code="remembers-in-memory", because=because)


def _stops_at_unknown(answer, bench):
    bench.flush()
    _fill(bench.r, [_payment(n) for n in range(1, 151)] + [{"id": "?", "type": "Teleported", "v": 1}, _payment(151)])
    for upto in (None, 151, None):
        try:
            state, version, _ = _load(answer, bench.r, upto=upto)
        except ValueError:
            continue
        raise NotYet(
            "skips-unknown",
            f"returned version {version} although evolve raised ValueError at an event that it does not know.",
            "The error passes.",
            "A state with an event left out looks like a right one, and decisions are taken on it.",
        )
    _is_right(answer, bench.r, 150, upto=150)


def _is_fast(answer, bench):
    bench.flush()
    counter = _Fetched()
    r = traced_client(bench.broker.url, counter, socket_timeout=None)
    _fill(bench.r, [_payment(n) for n in range(1, 1235)])
    _is_right(answer, r, 1234)
    _fill(bench.r, [_payment(n) for n in range(1235, 1241)], after=1234)
    counter.count = 0
    calls = _is_right(answer, r, 1240)
    _folded_few(calls, 1240, 6)
    if counter.count >= 108:
        raise NotYet(
            "fetches-everything",
            f"fetched {counter.count:,} events at the second load and folded {calls} of them.",
            "It fetches only those after the snapshot.",
            "Fetching and parsing costs more than folding.",
        )
    for upto in (150, 20, 700):
        _is_right(answer, r, 1240, upto=upto)
    counter.count, calls = 0, _is_right(answer, r, 1240)
    if calls >= 100 or counter.count >= 102:
        raise NotYet(
            "older-snapshot-wins",
            f"folded {calls:,} events at a load that had been fast before; in between there were loads with upto.",
            "A look into the past makes later loads no slower.",
            "The snapshot of an old version took the place of the newest one.",
        )


def _folded_few(calls, count, new, every=100, where=""):
    if calls >= every + new:
        raise NotYet(
            "folds-everything",
            f"folded {calls:,} events at the second load of a stream; {new} of {count:,} were new{where}.",
            f"With every={every} fewer than {every} and the new ones.",
            "Without a snapshot each load costs as much as the whole history.",
        )


def _at_the_edge(answer, bench):
    """A stream of exactly `every` events; states that are false, or hard to write."""
    bench.flush()
    _fill(bench.r, [_payment(n) for n in range(1, 101)])
    _is_right(answer, bench.r, 100)
    _folded_few(_is_right(answer, bench.r, 100), 100, 0)

    def zero(state, event):
        return 0 if state == 0 or event["id"] == "e1" else "lost"

    def listed(state, event):
        return {"open": [], "serial": 2**53 + 1, "events": (state or {"events": 0})["events"] + 1}

    for evolve in (zero, listed):
        bench.flush()
        first, due = 1, None
        for last in (20, 20, 23):
            _some(bench.r, first, last)
            for n in range(first, last + 1):
                due = evolve(due, _payment(n))
            first = last + 1
            got = answer(bench.r, S, evolve, {}, logic="small", every=10)
            if tuple(got) != (due, last):
                raise NotYet(
                    "state-not-kept",
                    f"returned {got!r:.80}.",
                    f"{(due, last)!r:.80}.",
                    "A snapshot may be any JSON value, and gives back the same: 0 is a state, only None is none. The "
                    "cjson of Lua makes {} of [], and rounds long numbers.",
                )


def _knows_the_logic(answer, bench):
    bench.flush()
    _fill(bench.r, [_payment(n) for n in range(1, 351)])
    _is_right(answer, bench.r, 350)
    because = "A snapshot is what one version of the code made of the events. The new code would have made another."
    for logic, factor in (("two", 2), ("one", 1), ("two", 2)):
        _is_right(answer, bench.r, 350, logic=logic, factor=factor, code="stale-logic", because=because)
    _is_right(answer, bench.r, 350, upto=250, logic="two", factor=2, code="stale-logic", because=because)
    _fill(bench.r, [_payment(n) for n in range(1, 121)], stream=f"{S}0")
    _is_right(answer, bench.r, 120, stream=f"{S}0", code="snapshot-of-another-stream")
    bench.flush()
    _some(bench.r, 1, 120)
    for logic, factor, upto in (("v1", 1, None), ("v11", 2, None), ("v11", 2, 25), ("v1", 1, 25), ("v1", 1, None)):
        more = {"logic": logic, "factor": factor, "every": 10, "code": "stale-logic"}
        _is_right(answer, bench.r, 120, upto=upto, **more, because=f"{because} v1 and v11 are two names.")
    _some(bench.r, 121, 131)
    _is_right(answer, bench.r, 131, logic="v11", factor=2, every=10)
    calls = _is_right(answer, bench.r, 131, logic="v1", every=10)
    _folded_few(calls, 131, 11, 10, "; in between the logic v11 had loaded it, this is v1")


def _travels(answer, bench):
    bench.flush()
    _fill(bench.r, [_payment(n) for n in range(1, 451)])
    moments = [None, 450, 449, 451, 1000, 0, 1, 99, 100, 101, 199, 200, 201, 399, 400, 401]
    moments += [bench.rng.randint(0, 450) for _ in range(73)] + [None]  # what was asked for is no version
    for upto in moments:
        _is_right(
            answer,
            bench.r,
            450,
            upto=upto,
            code="wrong-moment",
            because="What was known at that moment does not contain what came later; event upto itself belongs to it.",
        )


TORN = "A snapshot is a state and its version. In two steps, they can come from two different moments."


def _some(r, first, last):
    _fill(r, [_payment(n) for n in range(first, last + 1)], after=first - 1)


def _whole_snapshots(answer, bench):
    def begin(r):
        _some(r, 1, 12)
        _load(answer, r, every=10)
        _some(r, 13, 25)

    def right(r, result):
        if isinstance(result, Exception):
            raise result
        for upto in (None, 13, 24):
            _is_right(answer, r, 25, upto=upto, every=10, code="torn-snapshot", because=TORN)

    return crash_sweep(bench, begin, lambda r: _load(answer, r, every=10), lambda r: None, right)


def _beside_others(answer, bench):
    def begin(r):
        _some(r, 1, 11)

    def more(r):
        _some(r, 12, 15)
        _some(r, 16, 21)

    def one_older(r):  # a snapshot that both find, and both replace
        _some(r, 1, 11)
        _load(answer, r, every=10)
        _some(r, 12, 23)

    def of_one_moment(code, because, count):
        def verify(r, results):
            for state, version, _ in [value for value in values(results) if value]:
                if state != _truth(version):
                    raise NotYet(
                        code,
                        f"returned version {version} with a state of {(state or {}).get('events', 0)} events.",
                        "The version is that of the state, whatever others do meanwhile.",
                        because,
                    )
            for upto in (None, 10, 13):
                _is_right(answer, r, count, upto=upto, every=10, code="torn-snapshot", because=TORN)

        return verify

    def call(r):
        return _load(answer, r, every=10)

    because = "Who appends with this version would be let in with a decision on another state."
    tried = interleave(bench, begin, [call, more], of_one_moment("version-of-another-moment", because, 21), limit=60)
    interleave(bench, one_older, [call, call], of_one_moment("torn-snapshot", TORN, 23), limit=100)
    return tried


# ---------------------------------------------------------------- task 4


def _sale(n):
    kind = ("Paid", "Paid", "Refunded", "OrderShipped")[n % 4]
    return {"id": f"e{n}", "type": kind, "v": 1, "customer": ("ann", "bob", "zoë")[n % 3], "cents": 100 + n}


def _sums(count, first=1):
    sums = {}
    for n in range(first, count + 1):
        event = _sale(n)
        sign = {"Paid": 1, "Refunded": -1}.get(event["type"], 0)
        if sign:
            sums[event["customer"]] = sums.get(event["customer"], 0) + sign * event["cents"]
    return {customer: cents for customer, cents in sums.items() if cents}


def _view(r, view=V):
    found = {customer: cents for customer, cents in r.hgetall(view).items() if customer != "checkpoint"}
    try:
        return {customer: int(cents) for customer, cents in found.items() if int(cents)}
    except ValueError:
        raise NotYet("wrong-sum", f"left {found!r:.60} in the view.", "Whole cents per customer.") from None


def _up_to_date(answer, r, view=V, limit=100, most=60):
    """Call until there is nothing to take; the numbers of the calls."""
    took = []
    while True:
        got = answer(r, S, view, limit=limit)
        if isinstance(got, bool) or not isinstance(got, int):
            raise NotYet("not-a-count", f"returned {got!r:.40}.", "How many events it took.")
        took.append(got)
        if got == 0:
            return took
        if len(took) > most:
            raise NotYet(
                "never-done",
                f"returned more than 0 in {len(took)} calls; all events had been taken long before.",
                "0 when there is nothing new.",
                "What was taken is behind the checkpoint.",
            )


def _exact(r, count, what, view=V):
    got, due = _view(r, view), _sums(count)
    if got == due:
        return
    more = sum(got.values()) - sum(due.values())
    raise NotYet(
        "counted-twice" if count > 20 or _looks_doubled(got, count) else "left-out",
        f"left {got} in the view of {count} events, {abs(more)} cents {'too many' if more > 0 else 'too few'}: {what}.",
        f"{due}.",
        "The view and the checkpoint belong together. Whatever comes between them makes the next call take events "
        "again, or pass over some.",
    )


def _looks_doubled(got, count):
    """Whether some run of events was added a second time."""
    for first in range(1, count + 1):
        for last in range(first, count + 1):
            due, extra = _sums(count), _sums(last, first)
            twice = {c: due.get(c, 0) + extra.get(c, 0) for c in {*due, *extra}}
            if {c: cents for c, cents in twice.items() if cents} == got:
                return True
    return False


@lab.task(
    hints=[
        "Move the checkpoint past events of other types as well, and count them: 0 means that the stream has ended.",
        "Where are you in the stream? The checkpoint says so. Which two writes must not be separated by a crash?",
        "MULTI and EXEC make one step of the view and the checkpoint. But two processes may have read the same "
        "checkpoint: who notices? WATCH does, or a Lua script that compares it.",
    ],
    limit=20,
)
def project(answer, bench):
    _passes_over(answer, bench)
    bench.flush()
    _projects(answer, bench)
    _one_view_each(answer, bench)
    points = _survives_crashes(answer, bench)
    losses = _survives_lost_replies(answer, bench)
    tried = _two_projectors(answer, bench)
    _survives_sigkill(answer, bench)
    bench.flush()
    _passes_errors(bench, lambda r: answer(r, S, V), "0 says: nothing new.")
    return f"{tried}, {points}, {losses}, 3 real kills"


def _projects(answer, bench):
    r = bench.r
    _fill(r, [_sale(n) for n in range(1, 11)])
    first = answer(r, S, V, limit=4)
    if first != 4 or _view(r) != _sums(4):
        if _view(r) == _sums(10):
            raise NotYet("ignores-limit", "took all ten events with limit=4.", "The first four, and it returns 4.")
        raise NotYet(
            "wrong-sum",
            f"returned {first!r:.20} and left {_view(r)} after the first four events (limit=4).",
            f"4, and {_sums(4)}: Paid adds, Refunded takes off, other types change nothing.",
        )
    took = _up_to_date(answer, r, limit=4)
    _exact(r, 10, "three calls with limit=4")
    for key in [key for key in r.keys(f"{V}*") if r.pttl(key) >= 0]:  # as time will do
        r.delete(key)
    _up_to_date(answer, r, limit=4)
    _exact(r, 10, "a key had expired, and there was another call")
    if sum(took) != 6:
        raise NotYet("not-a-count", f"returned {took} for six events.", "The numbers add up to 6, and then 0.")
    if strays := [key for key in r.keys() if key not in (S, V) and not key.startswith(f"{V}:")]:
        raise NotYet("wrong-place", f"used the key {strays[0]!r}.", f"Other keys start with {V + ':'!r}.")


def _passes_over(answer, bench):
    bench.flush()
    more = {"customer": "ann", "cents": 5}
    foreign = [{"id": f"f{n}", "type": "OrderShipped", "v": 1, **(more if n % 2 else {})} for n in range(500)]
    _fill(bench.r, [*foreign, {"id": "p", "type": "Paid", "v": 1, "customer": "ann", "cents": 7}])
    took = _up_to_date(answer, bench.r)
    if not _view(bench.r):
        raise NotYet(
            "stops-at-foreign-events",
            f"returned {took} and never came to the payment behind 500 events of other types.",
            "Events of no interest are taken and counted as well.",
            "0 says that the stream has ended. Here the interesting part had not begun.",
        )
    if _view(bench.r) != {"ann": 7}:
        raise NotYet("wrong-sum", f"left {_view(bench.r)} after one payment of 7 cents and 500 events of other types.",
                     "{'ann': 7}: events of other types change nothing.")  # fmt: skip
    if others := set(bench.r.hkeys(V)) - {"ann", "checkpoint"}:
        raise NotYet("wrong-sum", f"left the field {min(others)!r} in the view; the only payment is ann's.",
                     "Its fields are customers. Events of other types change nothing; some have none.")  # fmt: skip


def _one_view_each(answer, bench):
    bench.flush()
    r = bench.r
    _fill(r, [_sale(n) for n in range(1, 151)])
    _up_to_date(answer, r, limit=40)
    _up_to_date(answer, r, view="kiosk:view2", limit=40)
    if _view(r, "kiosk:view2") != _sums(150) or _view(r) != _sums(150):
        raise NotYet(
            "one-checkpoint-for-all",
            f"left {_view(r, 'kiosk:view2')} in a second view of the same stream.",
            "Each view begins at the beginning and ends with the same sums.",
            "A view that cannot be built anew beside the old one cannot be repaired.",
        )


def _survives_crashes(answer, bench):
    def exact(r, result):
        _exact(r, 9, "the process was killed, and another one went on")

    def run(r):
        answer(r, S, V, limit=6)

    return crash_sweep(bench, lambda r: _fill(r, [_sale(n) for n in range(1, 10)]), run,
                       lambda r: _up_to_date(answer, r, limit=6), exact)  # fmt: skip


def _survives_lost_replies(answer, bench):
    def again(r):
        with contextlib.suppress(redis.RedisError):  # a pipeline that watches makes a WatchError of it
            answer(r, S, V, limit=6)
        _up_to_date(answer, r, limit=6)

    def exact(r, result):
        if isinstance(result, Exception) and not isinstance(result, redis.RedisError):
            raise result
        _up_to_date(answer, r, limit=6)
        _exact(r, 9, "the reply was lost, and the caller called again")

    return lost_reply_sweep(bench, lambda r: _fill(r, [_sale(n) for n in range(1, 10)]), again, exact)


def _two_projectors(answer, bench):
    def exact(r, results):
        values(results)
        _up_to_date(answer, r, limit=4)
        _exact(r, 9, "two processes projected at the same time")

    callers = [lambda r: answer(r, S, V, limit=4)] * 2
    return interleave(bench, lambda r: _fill(r, [_sale(n) for n in range(1, 10)]), callers, exact, limit=300)


def _survives_sigkill(answer, bench):
    bench.flush()
    _fill(bench.r, [_sale(n) for n in range(1, 401)])
    for kill in range(1, 4):
        pid = os.fork()
        if pid == 0:  # a projector, killed in the middle of its work
            try:
                with redis.Redis.from_url(bench.broker.url, decode_responses=True) as own:
                    while answer(own, S, V, limit=1):
                        pass
            finally:
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.03 + 0.01 * kill)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    _up_to_date(answer, bench.r, limit=50)
    _exact(bench.r, 400, "three processes were killed with SIGKILL, and a fourth went on")


# ---------------------------------------------------------------- stretch


def _apply(key, plain):
    return bytes(a ^ b for a, b in zip(plain, hashlib.shake_256(bytes(key)).digest(len(plain)), strict=True))


def _encrypt(key, text):
    return hashlib.sha256(bytes(key)).hexdigest() + _apply(key, text.encode()).hex()


def _decrypt(key, sealed):
    if sealed[:64] != hashlib.sha256(bytes(key)).hexdigest():
        raise ValueError("wrong key")
    return _apply(key, bytes.fromhex(sealed[64:])).decode()


def _open(vault, customer, sealed):
    try:
        return vault.open(customer, sealed)
    except ValueError as error:
        raise NotYet("lets-it-out", f"raised {error!r:.60} from open.", "None: it cannot be read.") from None


def _strong(keys):
    for key in map(bytes, keys):
        if len(key) < 16 or len(set(key)) < 6:
            raise NotYet("weak-key", f"used the key {key!r:.40}.", "16 random bytes or more.",
                         "A key that can be guessed is no key.")  # fmt: skip
        if len(key) < 32 and re.fullmatch(rb"[0-9a-f]+|[0-9A-F]+", key):
            raise NotYet("weak-key", f"used the key {key!r:.40}, {len(key)} hexadecimal digits.",
                         "16 random bytes or more.",
                         f"Two digits make one byte, so these are {len(key) // 2} random bytes.")  # fmt: skip


@lab.task(
    hints=[
        "open has two cases for None: there is no key, and decrypt raises ValueError.",
        "seal looks for the key in the hash and makes one if there is none. Two may do so at once: which command sets "
        "a field only if it is not there?",
        "Whoever has set it or not: use the key that is in the hash afterwards. It may be gone again by then. Ask the "
        "broker each time; a key in memory cannot be forgotten by others.",
    ],
)
def Vault(answer, bench):  # noqa: N802 — the task is a class
    keys_used = []

    def encrypt(key, text):
        keys_used.append(key)
        return _encrypt(key, text)

    def vault(r=None):
        return answer(r or bench.r, KEYS, encrypt, _decrypt)

    one, two = vault(), vault()
    ann, bob = one.seal("ann", "Ann Lee"), one.seal("bob", "Bob Ray")
    if [_open(two, "ann", ann), _open(two, "bob", bob), _open(one, "ann", ann)] != ["Ann Lee", "Bob Ray", "Ann Lee"]:
        raise NotYet("cannot-open", "could not open with a second Vault what the first had sealed.", "'Ann Lee'.",
                     "Another process, tomorrow, has only the keys in the broker.")  # fmt: skip
    if _open(two, "bob", ann) is not None:
        raise NotYet("one-key-for-all", "opened with bob's key what was sealed for ann.", "None.",
                     "Then bob cannot be forgotten without her.")  # fmt: skip
    _strong(keys_used)
    two.forget("ann")
    if _open(two, "ann", ann) is not None or _open(one, "ann", ann) is not None:
        raise NotYet(
            "not-forgotten",
            "opened a text of a customer whom another Vault had been told to forget.",
            "None, everywhere and at once.",
            "Forgotten is forgotten in every process, also in one that used the key before.",
        )
    if _open(one, "bob", bob) != "Bob Ray":
        raise NotYet("forgets-others", "could not open bob's text after ann was forgotten.", "'Bob Ray'.")
    back = one.seal("ann", "Ann again")
    if _open(one, "ann", ann) is not None:
        raise NotYet(
            "key-comes-back",
            "opened the old text of a forgotten customer, after she had come back.",
            "None: her new key is another one.",
            "A key that can be computed again, or was only put aside, was never thrown away.",
        )
    if _open(two, "ann", back) != "Ann again":
        raise NotYet("cannot-open", "could not open what was sealed for a customer who came back.", "'Ann again'.")
    _strong(keys_used)
    for name in ("fay", "gus"):
        random.seed(11)
        one.seal(name, name)
    if bytes(keys_used[-1]) == bytes(keys_used[-2]):
        raise NotYet(
            "predictable-key",
            "used the same key for two customers, when the generator of random began from the same seed.",
            "A key from secrets.",
            "random is for simulations: who has seen enough of its numbers computes the rest.",
        )
    if strays := [key for key in bench.r.keys() if key != KEYS]:
        raise NotYet("wrong-place", f"used the key {strays[0]!r}.", f"All is in the hash {KEYS!r}.")

    def both_open(r, results):
        got = [_open(vault(r), "eve", sealed) for sealed in values(results)]
        if got != ["Eve", "Eve"]:
            raise NotYet(
                "key-overwritten",
                f"two processes sealed for a new customer at the same time; afterwards open gave {got}.",
                "'Eve' and 'Eve'.",
                "Both made a key, and the second took the place of the first.",
            )

    tried = interleave(bench, lambda r: None, [lambda r: vault(r).seal("eve", "Eve")] * 2, both_open, limit=300)

    def sealed_or_not(r, results):
        values(results)

    def known(r):
        vault(r).seal("eve", "Eve")

    callers = [lambda r: vault(r).seal("eve", "Eve"), lambda r: vault(r).forget("eve")]
    interleave(bench, known, callers, sealed_or_not, limit=100)

    def seal_and_forget(r):
        vault(r).seal("eve", "Eve")
        vault(r).forget("eve")

    interleave(bench, lambda r: None, [callers[0], seal_and_forget], sealed_or_not, limit=100)

    def finds(r, result):
        if isinstance(result, SimulatedCrash):
            result = vault(r).seal("eve", "Eve")
        if _open(vault(r), "eve", result) != "Eve":
            raise NotYet("cannot-open", "could not open a text sealed after a crash.", "'Eve'.")

    crash_sweep(bench, lambda r: None, lambda r: vault(r).seal("eve", "Eve"), lambda r: None, finds)
    for name, call, what in (
        ("open", lambda v: v.open("bob", bob), "None says: forgotten."),
        ("seal", lambda v: v.seal("bob", "Bob"), "Perhaps nobody has the key that it was sealed with."),
        ("forget", lambda v: v.forget("bob"), "Who wants to be forgotten may be known as before."),
    ):
        _passes_errors(bench, lambda r, call=call: call(vault(r)), what, f" from {name}")
    return f"{tried}, a customer who came back"
