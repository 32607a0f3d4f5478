"""Checks of lab 02: which channel, groups that stay where they are, reading without gaps, trimming without loss."""

from __future__ import annotations

import redis

from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.sweeps import crash_sweep, interleave, race, values
from mqlab.checks.traced import Hook, traced_client
from mqlab.kiosk import NEEDS

lab = Lab("02-queue-topic-stream")
STRETCH = ("listen",)
S, G = "kiosk:orders:log", "email"


def fill(r, *ids) -> None:
    """Entries with these ids; each carries its id as its body."""
    for id_ in ids:
        r.xadd(S, {"n": id_}, id=id_)


def held(r) -> list[str]:
    """The ids in the stream, oldest first."""
    return [id_ for id_, _ in r.xrange(S)]


def _entries(n: int) -> str:
    return "1 entry" if n == 1 else f"{n} entries"


def key(id_: str) -> tuple[int, int]:
    """An id in the order of the stream: as two numbers, not as text."""
    milliseconds, _, sequence = id_.partition("-")
    return int(milliseconds), int(sequence or 0)


class _Down(Hook):
    """A broker that answers every command with this error, or not at all."""

    def __init__(self, error: redis.RedisError):
        self.error = error

    def before(self, connection, step):
        raise self.error


def _hides(bench, call, what: str, error: redis.RedisError | None = None) -> None:
    """Raises NotYet where `call(client)` returns although something is wrong: `what`."""
    hook = _Down(error) if error else Hook()
    with traced_client(bench.broker.url, hook) as client:
        try:
            got = call(client)
        except redis.RedisError:
            return
    raise NotYet(
        "hides-errors",
        f"returned {got!r:.40} although {what}.",
        "Such an error reaches the caller.",
        "The program would run on with an answer that nobody gave, and fail later, far from the cause.",
    )


# ---------------------------------------------------------------- task 1


def right_model(need: dict) -> str:
    """The simplest model that does what the need asks for."""
    if need["read_again"]:
        return "stream"
    if need["parties"] == 1:
        return "queue"
    return "pubsub" if need["may_miss"] else "stream"


def debatable(need: dict) -> bool:
    """Whether more than one answer can be defended, so that the check does not ask.

    Several parties of several workers each that may miss something: Pub/Sub hands a copy to every process, not to every
    party. One process alone that may miss something: a queue and Pub/Sub both give it one copy.
    """
    return need["may_miss"] and not need["read_again"] and (need["parties"] > 1) == (need["workers"] > 1)


def _words(need: dict) -> str:
    """A need without a name, in words."""
    parties = "1 party" if need["parties"] == 1 else f"{need['parties']} parties"
    workers = "1 worker" if need["workers"] == 1 else f"{need['workers']} workers"
    misses = "may miss" if need["may_miss"] else "must not miss"
    return f"{parties} of {workers}, {misses}" + (", reads again" if need["read_again"] else "")


REASONS = {
    "pubsub-for-work": "Pub/Sub hands a copy to every process that listens, and keeps nothing for one that is down. "
    "Work for one party is to be done once, by whichever of its workers is free",
    "stream-for-order": "order is no reason for a stream: a queue gives messages out in order, too. Nobody here reads "
    "anything again",
    "stream-for-rate": "the rate is no reason for a stream: each of the three carries thousands a second. Nobody here "
    "reads anything again",
    "keeps-too-much": "a stream keeps what nobody will ever read again, and must be trimmed. Something simpler does "
    "what is asked",
    "splits-the-copies": "a queue gives each message to one of those who ask, so each party would see a part",
    "misses-while-down": "what is published while a party is down never reaches it, and here none may miss anything",
    "no-reread": "a queue has forgotten what was handled, and a channel never kept it, so nothing can be read again",
}


def misconception(need: dict, got: str) -> str:
    """Which of REASONS stands behind this wrong choice."""
    want = right_model(need)
    if want == "queue":
        if got == "pubsub":
            return "pubsub-for-work"
        if need["in_order"]:
            return "stream-for-order"
        return "stream-for-rate" if need["per_s"] >= 1000 else "keeps-too-much"
    if want == "pubsub":
        return "splits-the-copies" if got == "queue" else "keeps-too-much"
    if got == "queue":
        return "splits-the-copies" if need["parties"] > 1 else "no-reread"
    return "misses-while-down" if need["parties"] > 1 and not need["may_miss"] else "no-reread"


@lab.task(
    hints=[
        "Three questions, in this order: must anybody read again? one party, or several? may a party miss something?",
        "A party may have many workers, and still be one party: they share the work.",
        "Where the workers of one party share messages, nobody asks for copies, however fast or ordered they come.",
    ],
    broker=False,
)
def choose_model(answer, bench):
    _chosen(answer, NEEDS, "24 rows")
    more = []
    while len(more) < 200:
        parties = bench.rng.choice([1, 1, 1, 2, 3, 10, 400])
        truth = {name: bench.rng.random() < 0.5 for name in ("may_miss", "read_again", "in_order")}
        numbers = {"workers": bench.rng.choice([1, 1, 2, 4, 16]), "per_s": bench.rng.choice([0.01, 1, 20, 1500, 9000])}
        need = {"need": "", "parties": parties, **truth, **numbers}
        if not debatable(need):
            more.append(need | {"need": _words(need)})
    try:
        _chosen(answer, more, "200 other needs")
    except (NotYet, LookupError) as error:
        if isinstance(error, NotYet) and error.code == "not-a-model":
            raise
        raise NotYet(
            "knows-the-rows-only",
            "chose right in the 24 rows, but not for needs that are not in the table"
            + (f": it {error.did}" if isinstance(error, NotYet) else f" ({type(error).__name__})."),
            "It looks at what a need asks for, not at its name.",
            error.because if isinstance(error, NotYet) else "The next need of the shop has a name you do not know yet.",
        ) from None
    return "24 rows of the table, 200 other needs"


def _chosen(answer, needs: list[dict], what: str) -> None:
    missed: dict[str, list[str]] = {}
    for need in needs:
        got = answer(dict(need))
        if got not in ("queue", "pubsub", "stream"):
            raise NotYet(
                "not-a-model",
                f"returned {got!r:.40} for {need['need']!r}.",
                'It returns "queue", "pubsub" or "stream".',
                'Not "topic", for one: in Redis that is Pub/Sub, in Kafka it is a log.',
            )
        if got != right_model(need):
            missed.setdefault(misconception(need, got), []).append(f"{need['need']} ({got})")
    if missed:
        wrong = sum(map(len, missed.values()))
        worst = max(missed, key=lambda code: len(missed[code]))
        told = [f"{_some(rows)}: {REASONS[code]}." for code, rows in missed.items()]
        raise NotYet(
            worst,
            f"chose wrongly in {wrong} of {what}.",
            "The simplest model that does what the row asks for, in every row.",
            " — ".join(told),
        )


def _some(rows: list[str]) -> str:
    rows = list(dict.fromkeys(rows))
    return "; ".join(rows[:8]) + (f" and {len(rows) - 8} more" if len(rows) > 8 else "")


# ---------------------------------------------------------------- task 2


def group_of(r) -> dict | None:
    """What the broker says of group G of stream S; None if there is none."""
    try:
        return next((group for group in r.xinfo_groups(S) if group["name"] == G), None)
    except redis.ResponseError:
        return None


def _made(got) -> bool:
    if not isinstance(got, bool):
        raise NotYet(
            "not-a-bool",
            f"returned {got!r:.60}.",
            "It returns True if this call created the group, False if it was there.",
        )
    return got


@lab.task(
    hints=[
        "XGROUP CREATE has an option that creates the stream as well, without any entry: MKSTREAM.",
        "The broker refuses to create a group twice, in one step, whoever else tries. That refusal is your answer.",
        "redis.ResponseError stands for every refusal. Which one means that the group is there? How does it begin?",
    ],
    limit=20,
)
def ensure_group(answer, bench):
    _creates(answer, bench)
    _starts_where_told(answer, bench)
    _leaves_it_where_it_is(answer, bench)
    _shows_other_errors(answer, bench)
    points = crash_sweep(
        bench, lambda r: None, lambda r: answer(r, S, G, "0"), lambda r: answer(r, S, G, "0"), _there_after_all
    )
    tried = _one_creates(answer, bench)
    bench.flush()
    made = [_made(got) for got in values(race(bench, 16, lambda i, r: answer(r, S, G, "0")))]
    if made.count(True) != 1:
        raise NotYet("both-created", f"said {made.count(True)} times of 16 that it created the group.", "Once.")
    return f"{tried}, {points}, 16 callers at once"


def _creates(answer, bench):
    r = bench.r
    try:
        first = answer(r, S, G, "0")
    except redis.ResponseError as error:
        raise NotYet(
            "no-stream",
            f"raised {str(error)[:60]!r} when the stream did not exist.",
            "It creates the stream, empty, and the group.",
            "The consumer may be deployed before the first message is sent.",
        ) from None
    if group_of(r) is None:
        raise NotYet("no-group", "returned, and there is no such group.", "The group exists when it returns.")
    if r.xlen(S) or r.xinfo_stream(S)["entries-added"]:
        raise NotYet(
            "leaves-an-entry",
            "added an entry to the stream.",
            "The stream is created empty.",
            "Other readers would see a message that nobody sent, even if you delete it a moment later.",
        )
    try:
        second = answer(r, S, G, "0")
    except redis.ResponseError as error:
        raise NotYet(
            "raises-when-there",
            f"raised {str(error)[:60]!r} when it was called a second time.",
            "It returns False.",
            "Every worker calls it at its start. That the group is there is the normal case.",
        ) from None
    if (_made(first), _made(second)) != (True, False):
        raise NotYet(
            "both-created", f"returned {first} and then {second}.", "True from the call that created it, else False."
        )


def _starts_where_told(answer, bench):
    for start, expected in (("0", 4), ("$", 0), ("2-0", 2)):
        bench.flush()
        fill(bench.r, "1-0", "2-0", "3-0", "4-0")
        answer(bench.r, S, G, start)
        reply = bench.r.xreadgroup(G, "w", {S: ">"}, count=10)
        got = len(reply[0][1]) if reply else 0
        if got != expected:
            raise NotYet(
                "ignores-start",
                f"created the group so that it gets {got} of the 4 entries that were there, for start={start!r}.",
                f"{expected}.",
                'The caller decides: "0" for a service that must see everything, "$" for one that begins now.',
            )


def _leaves_it_where_it_is(answer, bench):
    for start in ("0", "$"):
        bench.flush()
        r = bench.r
        fill(r, "1-0", "2-0", "3-0", "4-0")
        r.xgroup_create(S, G, id="0")
        r.xreadgroup(G, "w", {S: ">"}, count=2)
        answer(r, S, G, start)
        after = group_of(r) or {"pending": 0, "last-delivered-id": "none: the group is gone"}
        if after["pending"] != 2:
            raise NotYet(
                "recreates-group",
                "threw away the two entries that the group had pending.",
                "A group that exists stays exactly as it is.",
                "Destroying a group forgets its cursor and what its members have in hand: the one is read again, the "
                "other never again.",
            )
        if after["last-delivered-id"] != "2-0":
            raise NotYet(
                "moves-cursor",
                f"moved the group's cursor from 2-0 to {after['last-delivered-id']}, with start={start!r}.",
                "A group that exists stays exactly as it is; start is for a new one.",
                "Backward, every message is handled again. Forward, some never are.",
            )


def _shows_other_errors(answer, bench):
    bench.flush()
    _hides(bench, lambda r: answer(r, S, G, "no-id"), "the start 'no-id' is no id, and there is no group")
    bench.flush()
    bench.r.rpush(S, "a list, not a stream")
    _hides(bench, lambda r: answer(r, S, G, "0"), "the key holds a list, and there is no group")
    bench.flush()
    for error, what in (
        (redis.ConnectionError("Connection closed by server."), "the connection to the broker is lost"),
        (redis.TimeoutError("Timeout reading from socket"), "the broker does not answer in time"),
        (redis.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), "the broker is out of memory"),
    ):
        _hides(bench, lambda r: answer(r, S, G, "0"), what, error)


def _there_after_all(r, result):
    if group_of(r) is None:
        raise NotYet(
            "half-done",
            "was killed half-way, and when it was called again it created no group.",
            "Whenever it returns, the group exists.",
            "A mark that says 'done' must not be written before the thing is done.",
        )


def _one_creates(answer, bench):
    def verify(r, results):
        for result in results:
            if isinstance(result, redis.ResponseError):
                raise NotYet(
                    "check-then-create",
                    f"raised {str(result)[:50]!r} in one of two callers.",
                    "One returns True, the other False.",
                    "Both looked, both saw no group, both created it. Let the broker decide.",
                )
        if sorted(map(_made, values(results))) != [False, True]:
            did = f"returned {results[0]} and {results[1]} to two callers."
            raise NotYet("both-created", did, "True to one of them.", "Some set up more when they created the group.")

    def start_and_read(r):
        answer(r, S, G, "0")
        try:
            r.xreadgroup(G, "w", {S: ">"}, count=1)
        except redis.ResponseError:
            return "no group"
        return "read"

    def keeps(r, results):
        if values(results)[1] == "no group":
            raise NotYet(
                "half-done",
                "returned before the group existed.",
                "Whenever it returns, the group exists.",
                "The caller reads from the group at once.",
            )
        if (group_of(r) or {}).get("pending") != 1:
            raise NotYet(
                "recreates-group",
                "threw away what a worker had read from the group that another worker created.",
                "A group that exists stays exactly as it is.",
                "Between your look and your act, another worker may have created the group and started to work.",
            )

    callers = [lambda r: answer(r, S, G, "0")] * 2
    tried = interleave(bench, lambda r: None, callers, verify)
    interleave(bench, lambda r: fill(r, "1-0", "2-0"), [callers[0], start_and_read], keeps)
    return tried


# ---------------------------------------------------------------- task 3


class _Waits(Hook):
    """Notes a command that can wait for new entries."""

    seen = ""

    def before(self, connection, step):
        if step.timeout is not None:
            self.seen = str(step)
        return step


def _pair(got) -> tuple[list, str]:
    """What tail returned, as (entries, cursor). Raises NotYet when it is none."""
    try:
        entries, cursor = got
        entries = [(id_, dict(fields)) for id_, fields in entries]
        [key(id_) for id_, _ in entries]
    except (TypeError, ValueError, AttributeError):
        raise NotYet(
            "wrong-shape", f"returned {got!r:.70}.", "It returns (entries, cursor), entries being (id, fields) pairs."
        ) from None
    if not isinstance(cursor, str):
        raise NotYet(
            "loses-its-place",
            f"returned the cursor {cursor!r:.30}.",
            "The cursor is a text that the caller can store and give back, also when there was nothing to read.",
            "Whoever comes back with nothing in hand must still know where it stood.",
        )
    return entries, cursor


def _follow(got: list[str], want: list[str], did: str) -> None:
    """Raises NotYet where the ids that a reader got are not those it should have got."""
    if len(set(got)) < len(got):
        raise NotYet(
            "repeats-last",
            f"{did}: gave {', '.join(got[:8])}.",
            f"{', '.join(want[:8])}: each entry once.",
            "The cursor names an entry that was read. The next one starts behind it, not at it.",
        )
    if got != want:
        raise NotYet(
            "gap-between-calls",
            f"{did}: gave {', '.join(got[:8]) or 'nothing'}.",
            f"{', '.join(want[:8])}: nothing left out, in order.",
            "What is added between two calls, or between two commands of one call, belongs to the next call. "
            'A cursor names what was read, not "now" and not the end of the stream.',
        )


@lab.task(
    hints=[
        "XREAD without BLOCK returns at once, with entries behind the id that you name. So what is the next cursor?",
        'Nothing to read: the cursor stays. Except for "$", another place in each call. What id stands for "now"?',
        'Turn "$" into an id first: XINFO STREAM knows last-generated-id. Without a stream, "now" is 0-0.',
    ],
    limit=20,
)
def tail(answer, bench):
    _returns_at_once(answer, bench)
    _reads_on(answer, bench)
    _from_now(answer, bench)
    _tail_shows_errors(answer, bench)
    tried = _while_a_producer_adds(answer, bench)
    points = crash_sweep(
        bench, lambda r: fill(r, *_FIVE), lambda r: _consume(answer, r, 2), lambda r: _consume(answer, r, 9), _all_once
    )
    return f"{tried}, {points}"


_FIVE = ("9-9", "9-10", "9-11", "10-0", "10-1")  # as text, 9-10 comes before 9-9, and 10-0 before both


def _broker_state(r):
    """All that a reader could change: the keys, the stream, its groups."""
    return sorted(r.keys()), r.xinfo_stream(S) if r.exists(S) else None


def _unchanged(r, before) -> None:
    if _broker_state(r) != before:
        raise NotYet(
            "changes-the-stream",
            "changed something in the broker while it read: it added or deleted an entry, or left a group or a key.",
            "Reading changes nothing in the broker.",
            "Other readers have cursors of their own, and a cursor of this one may be used again after a restart. An "
            "entry that was added and deleted still uses up an id.",
        )


# How ids are compared by mistake: as text; or one of the two parts as text.
_AS_TEXT = (
    lambda id_: (id_, 0),
    lambda id_: (id_.partition("-")[0], key(id_)[1]),
    lambda id_: (key(id_)[0], id_.partition("-")[2]),
)


def _two_numbers(ids: list[str], before: str) -> None:
    """Raises NotYet where `ids` are what stands behind the cursor `before` in the order of texts."""
    if ids == [id_ for id_ in _FIVE if key(id_) > key(before)][:2]:
        return
    for wrong in _AS_TEXT:
        behind = [id_ for id_ in _FIVE if wrong(id_) > wrong(before)]
        if ids in (behind[:2], sorted(behind, key=wrong)[:2]):
            raise NotYet(
                "compares-as-text",
                f"returned {', '.join(ids) or 'nothing'} for the cursor {before}.",
                ", ".join([id_ for id_ in _FIVE if key(id_) > key(before)][:2]) + ".",
                "An id is two numbers. As text, '10' is smaller than '9'. The broker compares them rightly.",
            )


def _returns_at_once(answer, bench):
    fill(bench.r, *_FIVE)
    before = _broker_state(bench.r)
    hook = _Waits()
    client = traced_client(bench.broker.url, hook, socket_timeout=0.5)
    for cursor in ("10-1", "$"):
        try:
            _pair(answer(client, S, cursor, 2))
        except redis.RedisError:
            if not hook.seen:
                raise
        except (IndexError, TypeError, ValueError) as error:
            raise NotYet(
                "fails-when-empty",
                f"raised {type(error).__name__} when there was nothing new.",
                "It returns no entries, and a cursor.",
                "A reader that keeps up finds nothing most of the time.",
            ) from None
        if hook.seen:
            raise NotYet(
                "waits",
                f"waits in the broker for something new: {hook.seen:.50}",
                "It returns at once, with what there is.",
                "The caller has a cursor to store and other things to do; when to ask again is its own decision.",
            )
        _unchanged(bench.r, before)


def _reads_on(answer, bench):
    bench.flush()
    fill(bench.r, *_FIVE)
    got, cursor, before, state = [], "0", "0", _broker_state(bench.r)
    for call in range(3):
        before = cursor
        entries, cursor = _pair(answer(bench.r, S, before, 2))
        ids = [id_ for id_, _ in entries]
        if len(ids) > 2:
            raise NotYet(
                "more-than-n", f"returned {len(ids)} entries for n=2.", "At most n.", "A stream may hold a million."
            )
        _unchanged(bench.r, state)
        if call and ids and ids == got[:2]:
            raise NotYet(
                "ignores-cursor",
                f"returned {', '.join(ids)} again, with the cursor {before!r}.",
                "What comes behind the cursor.",
                "A reader that always begins at the start never gets to anything new.",
            )
        if got and ids and key(got[-1]) < (9, 11) < key(ids[0]):
            raise NotYet(
                "skips-same-millisecond",
                f"went on with {ids[0]} behind {got[-1]}, and left out 9-11.",
                "9-11.",
                "An id has two parts. Entries of one millisecond differ in the second.",
            )
        if not got and (set(ids) == {"10-0", "10-1"} or ids == ["9-10", "9-9"]):
            raise NotYet("newest-first", f"began with {', '.join(ids)}.", "9-9, 9-10: the oldest behind the cursor.")
        _two_numbers(ids, before)
        got += ids
    _follow(got, list(_FIVE), "read five entries, two at a time")
    bodies = [fields for _, fields in _pair(answer(bench.r, S, "0", 9))[0]]
    if bodies != [{"n": id_} for id_ in _FIVE]:
        raise NotYet(
            "keeps-state",
            f"returned {len(bodies)} entries for the cursor '0', after it had read all five once.",
            "The same cursor gives the same entries, every time.",
            "What a reader remembers besides its cursor is lost, or wrong, when it starts again elsewhere.",
        )
    entries, cursor = _pair(answer(bench.r, S, cursor, 2))
    entries, cursor = _pair(answer(bench.r, S, cursor, 2))
    fill(bench.r, "10-2")
    ids = [id_ for id_, _ in _pair(answer(bench.r, S, cursor, 2))[0]]
    if ids != ["10-2"]:
        raise NotYet(
            "loses-its-place",
            f"came back from two calls without news with the cursor {cursor!r:.30}, which then gave "
            f"{', '.join(ids) or 'nothing'}.",
            "10-2, the one entry that was added.",
            "When there is nothing to read, the cursor stays where it is.",
        )


def _from_now(answer, bench):
    bench.flush()
    for added in (("5-0", "6-0"), ("7-0", "8-0")):
        before = _broker_state(bench.r)
        try:
            entries, cursor = _pair(answer(bench.r, S, "$", 9))
        except redis.ResponseError as error:
            raise NotYet(
                "fails-when-missing",
                f"raised {str(error)[:40]!r} when the stream did not exist yet.",
                "No entries, and a cursor from which everything that comes will be read.",
                "A reader may be started before the first message is sent.",
            ) from None
        _unchanged(bench.r, before)
        if entries:
            raise NotYet(
                "dollar-reads-old",
                f"gave {entries[0][0]} for the cursor '$', an entry that was there before.",
                "'$' stands for the end of the stream, now.",
            )
        fill(bench.r, *added)
        got = [id_ for id_, _ in _pair(answer(bench.r, S, cursor, 9))[0]]
        _follow(
            got, list(added), f"'$' led to the cursor {cursor!r:.20}; two entries were added; called with that cursor"
        )


def _tail_shows_errors(answer, bench):
    bench.flush()
    fill(bench.r, *_FIVE)
    for cursor in ("9-9", "$"):
        lost = redis.ConnectionError("Connection closed by server.")
        _hides(bench, lambda r: answer(r, S, cursor, 2), f"the connection is lost (cursor {cursor})", lost)  # noqa: B023
    bench.flush()
    bench.r.rpush(S, "a list, not a stream")
    _hides(bench, lambda r: answer(r, S, "9-9", 2), "the key holds a list (cursor 9-9)")


def _while_a_producer_adds(answer, bench):
    def calls(start, times):
        def reader(r):
            got, cursor = [], start
            for call in range(times):
                entries, cursor = _pair(answer(r, S, cursor, 2))
                got += [id_ for id_, _ in entries]
                if call == 0 and start == "$":
                    r.copy(S, "then")  # what was there when the first call returned
            return got, cursor

        return reader

    def producer(r):
        for n in range(2):
            r.xadd(S, {"n": n})

    def verify(start):
        def look(r, results):
            got, cursor = values(results)[0]
            everything, known = held(r), [id_ for id_, _ in r.xrange("then")]
            while True:
                entries, cursor = _pair(answer(r, S, cursor, 2))
                if not entries:
                    break
                got += [id_ for id_, _ in entries]
                if len(got) > 20:
                    break
            due = everything if start == "0" else everything[len(known) :]
            if start == "$" and len(got) > len(due) and got == everything[-len(got) :]:
                return  # it also gave what came during the first call
            if start == "$" and got and got[0] in everything:
                due = everything[everything.index(got[0]) :]
            _follow(got, due, "read while a producer added two entries")

        return look

    tried = interleave(bench, lambda r: fill(r, "1-0"), [calls("0", 2), producer], verify("0"))
    interleave(bench, lambda r: fill(r, "1-0"), [calls("$", 2), producer], verify("$"))
    return tried


def _consume(answer, r, times):
    """A consumer that stores its work and its cursor together, as one must."""
    for _ in range(times):
        cursor = r.get("cursor") or "0"
        entries, after = _pair(answer(r, S, cursor, 2))
        with r.pipeline(transaction=True) as both:
            for id_, _ in entries:
                both.rpush("work", id_)
            both.set("cursor", after)
            both.execute()


def _all_once(r, result):
    _follow(r.lrange("work", 0, -1), list(_FIVE), "was killed, started again with the stored cursor")


# ---------------------------------------------------------------- task 4

THREE = ("email", "analytics", "stock")
IDS = (  # the ids of a round, and the code of what is wrong where the rounds before were right
    ([f"{n}-0" for n in range(1, 9)], None),
    ([f"{n}-0" for n in range(7, 14)], "compares-as-text"),
    (["4-0", "5-1", "5-2", "5-9", "5-10", "5-11", "6-0"], "half-an-id"),
)


@lab.task(
    hints=[
        "XINFO GROUPS gives the last-delivered-id of each group, XPENDING its smallest pending id.",
        "A group needs everything from its smallest pending id on; if nothing is pending, what is behind its "
        "last-delivered-id. The slowest group decides.",
        "XTRIM … MINID removes smaller ids. redis-py's xtrim is approximate by default. An id is two numbers.",
    ],
    limit=20,
)
def safe_trim(answer, bench):
    _nothing_to_trim(answer, bench)
    rounds = 0
    for ids, also in IDS:
        for state in _states(bench.rng, ids):
            bench.flush()
            _arrange(bench.r, ids, state)
            _trimmed(answer, bench.r, also)
            rounds += 1
    tried = _while_a_worker_reads(answer, bench)
    return f"{rounds} times three groups, {tried}"


def _nothing_to_trim(answer, bench):
    for exists in (False, True):
        if exists:
            fill(bench.r, "1-0", "2-0", "3-0")
        try:
            removed = answer(bench.r, S)
        except redis.ResponseError as error:
            raise NotYet(
                "fails-when-missing",
                f"raised {str(error)[:40]!r} for a stream that does not exist.",
                "0: there is nothing to remove.",
                "It runs every minute, also before the first message.",
            ) from None
        except (ValueError, TypeError, IndexError) as error:
            raise NotYet(
                "fails-without-groups",
                f"raised {type(error).__name__} for a stream without groups.",
                "0: nobody has read anything yet.",
            ) from None
        if exists and len(held(bench.r)) < 3:
            raise NotYet(
                "trims-without-readers",
                "removed entries of a stream that no group reads yet.",
                "Without a group nothing is removed.",
                "Whoever creates a group at 0 a moment later was promised everything.",
            )
        if removed != 0 or isinstance(removed, bool):
            raise NotYet("wrong-count", f"returned {removed!r:.30} when nothing was removed.", "0.")


def _states(rng, ids):
    """States of the three groups, (how many were delivered, which of them are pending) for each: at random; every
    cursor with nothing pending; every entry as the only one pending, in one of the groups."""
    everything = len(ids)
    for _ in range(10):
        state = []
        for _ in THREE:
            delivered = rng.randint(rng.choice([0, everything // 2, everything // 2]), everything)
            state.append((delivered, rng.sample(ids[:delivered], k=min(delivered, rng.choice([0, 0, 1, 2, 3])))))
        yield state
    for delivered in range(everything + 1):
        yield [(delivered, [])] * 3
    for n, pending in enumerate(ids):
        yield [(everything, [pending] if n % 3 == group else []) for group in range(3)]


def _arrange(r, ids, state):
    fill(r, *ids)
    for group, (delivered, pending) in zip(THREE, state, strict=True):
        r.xgroup_create(S, group, id="0")
        if delivered:
            r.xreadgroup(group, "w", {S: ">"}, count=delivered)
        if done := [id_ for id_ in ids[:delivered] if id_ not in pending]:
            r.xack(S, group, *done)


def _needed(r) -> dict[str, set[str]]:
    """For each group, the ids in the stream that it has not been given, or has not acknowledged."""
    needed = {}
    for group in r.xinfo_groups(S):
        cursor = key(group["last-delivered-id"])
        waiting = {entry["message_id"] for entry in r.xpending_range(S, group["name"], "-", "+", 100)}
        needed[group["name"]] = waiting | {id_ for id_ in held(r) if key(id_) > cursor}
    return needed


def _groups(r) -> list[tuple[str, int, str]]:
    """(name, pending, cursor) of each group; none where the stream is gone."""
    found = r.xinfo_groups(S) if r.exists(S) else []
    return [(group["name"], group["pending"], group["last-delivered-id"]) for group in found]


def _trimmed(answer, r, also):
    before, needed, groups = held(r), _needed(r), _groups(r)
    pending = {g: {e["message_id"] for e in r.xpending_range(S, g, "-", "+", 100)} for g in THREE}
    removed = answer(r, S)
    after = held(r)
    state = "; ".join(
        f"{g}: delivered to {d}, pending {', '.join(sorted(pending[g], key=key)) or 'none'}" for g, _, d in groups
    )
    _keeps_groups(groups, _groups(r))
    gone = set(before) - set(after)
    lost = sorted(gone & set().union(*needed.values()), key=key)
    oldest = min((id_ for ids in needed.values() for id_ in ids), key=key, default="999-0")
    useless = [id_ for id_ in after if key(id_) < key(oldest)]
    if also == "half-an-id" and (lost or len(useless) > 1):
        harm = f"removed {lost[0]}, which somebody still needs" if lost else f"kept {', '.join(useless)} for nobody"
        raise NotYet(
            "half-an-id",
            f"{harm} ({state}). With ids that differ in the first part it was right.",
            "5-2 comes before 5-9, 5-9 before 5-10.",
            "An id is two whole numbers. Entries of one millisecond differ in the second, and '5-10' is not 5.1.",
        )
    if lost and also == "compares-as-text":
        raise NotYet(
            "compares-as-text",
            f"removed {lost[0]}, which somebody still needs ({state}). With ids of one digit it was right.",
            "9-0 comes before 10-0.",
            "An id is two numbers. As text, '10-0' is smaller than '9-0'.",
        )
    for group in THREE:
        if unread := sorted((gone & needed[group]) - pending[group], key=key):
            raise NotYet(
                "trims-unread",
                f"removed {unread[0]}, which {group} has not been given yet ({state}).",
                "What any group has not read stays.",
                "The slowest group decides. It may be asleep for an hour, and wants everything when it wakes.",
            )
    for group in THREE:
        if unfinished := sorted(gone & pending[group], key=key):
            raise NotYet(
                "trims-pending",
                f"removed {unfinished[0]}, which {group} has not acknowledged ({state}).",
                "What is pending stays.",
                "If its worker dies, whoever takes the entry over finds an id without a body.",
            )
    if len(useless) > 1:
        raise NotYet(
            "trims-too-little",
            f"kept {', '.join(useless[:6])}, though nobody needs anything before {oldest} ({state}).".replace(
                "anything before 999-0", "anything"
            ),
            "What every group has acknowledged is removed, up to the oldest entry that somebody needs.",
            "A trim that keeps what nobody needs does not stop the memory from growing. An approximate one (~) only "
            "drops whole nodes.",
        )
    if removed != len(gone) or isinstance(removed, bool):
        raise NotYet("wrong-count", f"returned {removed!r:.30}, and removed {_entries(len(gone))}.", f"{len(gone)}.")


def _keeps_groups(before, after):
    if not after:
        raise NotYet(
            "disturbs-groups",
            "left the stream without its groups.",
            "Every group stays, with its cursor. An empty stream is still there.",
            "DEL removes the groups together with the stream: the next read of every worker fails.",
        )
    if after != before:
        raise NotYet(
            "disturbs-groups",
            "changed a group: its cursor, or what it has pending.",
            "Trimming looks at groups and leaves them alone.",
            "An entry that was acknowledged for a group was not handled by it.",
        )


def _while_a_worker_reads(answer, bench):
    def prepare(r):
        fill(r, "1-0", "2-0", "3-0", "4-0")
        r.xgroup_create(S, G, id="0")
        r.xreadgroup(G, "w", {S: ">"}, count=2)
        r.xack(S, G, "1-0", "2-0")

    def worker(r):
        r.xreadgroup(G, "w", {S: ">"}, count=2)
        r.xack(S, G, "4-0")

    def verify(r, results):
        removed = values(results)[0]
        if "3-0" not in held(r) or removed != 4 - len(held(r)):
            raise NotYet(
                "torn-look",
                f"removed {_entries(4 - len(held(r)))} and returned {removed!r:.20}, while a worker read 3-0 and 4-0 "
                "and acknowledged 4-0.",
                "3-0 stays: it is pending.",
                "The worker moved on between two of your looks. What you know of a group must be of one moment, or the "
                "older knowledge must be the one that allows less.",
            )

    def producer(r):
        r.xadd(S, {"n": 5}, id="5-0")

    def counted(r, results):
        gone = 5 - len(held(r))
        if values(results)[0] != gone:
            raise NotYet(
                "miscounts",
                f"returned {results[0]!r:.20} and removed {_entries(gone)}, while a producer added one.",
                f"{gone}.",
                "The length changes for other reasons as well. The broker says how many it removed.",
            )

    def all_done(r):
        fill(r, "1-0", "2-0", "3-0", "4-0")
        for group in THREE:
            r.xgroup_create(S, group, id="0")
            r.xreadgroup(group, "w", {S: ">"}, count=4)
            r.xack(S, group, "1-0", "2-0", "3-0", "4-0")

    def keeps_the_new(r, results):
        values(results)
        _keeps_groups([(group, 0, "4-0") for group in sorted(THREE)], sorted(_groups(r)))
        if "5-0" not in held(r):
            raise NotYet(
                "trims-unread",
                "removed 5-0, which a producer added while every group had acknowledged all there was.",
                "5-0 stays: no group has been given it.",
                "Between your look and your act a producer added it. What you saw allows you to remove what was there "
                "then, and nothing else.",
            )
        counted(r, results)

    tried = interleave(bench, prepare, [lambda r: answer(r, S), worker], verify)
    interleave(bench, prepare, [lambda r: answer(r, S), producer], counted)
    interleave(bench, all_done, [lambda r: answer(r, S), producer], keeps_the_new)
    return tried


# ---------------------------------------------------------------- stretch


@lab.task(
    hints=[
        "The cursor of a subscriber is an id in a key of its own. What is it at the first call? See task 3 for '$'.",
        "SET takes the value and the lifetime in one command: EX.",
        "Finding the cursor, reading behind it and moving it must be one step: a Lua script, or WATCH and MULTI.",
    ],
    limit=20,
)
def listen(answer, bench):
    _hears_what_comes(answer, bench.r)
    _lives_for_a_while(answer, bench.r)
    points = crash_sweep(bench, lambda r: None, lambda r: _twice(answer, r), lambda r: None, _mortal)
    tried = _each_message_once(answer, bench)
    return f"{tried}, {points}"


def _say(r, *texts):
    for text in texts:
        r.xadd(S, {"text": text})


def _hears_what_comes(answer, r):
    for name, said in (("ann", ("a", "b")), ("bob", ("c",))):
        first = answer(r, S, name, 60)
        if first:
            raise NotYet(
                "reads-the-past",
                f"gave {name} {first!r:.40} in the first call: published before.",
                "None: who listens for the first time has missed what was before.",
            )
        if first is not None:
            raise NotYet(
                "hides-expiry",
                f"returned {first!r:.30} to {name}, who has no cursor.",
                "None.",
                "[] means 'nothing new'. Who has no cursor may have missed something, and must know.",
            )
        _say(r, *said)
    for name, expected in (("ann", ["a", "b", "c"]), ("bob", ["c"]), ("ann", []), ("bob", [])):
        got = answer(r, S, name, 60)
        if got is None or (name == "ann" and expected and not got):
            raise NotYet(
                "misses-after-join",
                f"returned {got!r:.30} to {name}; {expected} came after the call before.",
                f"{expected}.",
                "The first call must leave an id behind, the place where the stream ended. '$' is another place in "
                "each call.",
            )
        if name == "bob" and expected and not got:
            raise NotYet("shares-the-cursor", "gave bob nothing: ann had read it.", "['c'].", "Each gets all messages.")
        if got != expected:
            raise NotYet("wrong-messages", f"gave {name} {got!r:.60}.", f"{expected}: what is new, oldest first.")
    many = [f"m{n}" for n in range(1200)]
    with r.pipeline(transaction=False) as p:
        _say(p, *many)
        p.execute()
    got = answer(r, S, "ann", 60)
    if got != many:
        raise NotYet(
            "not-all-of-them",
            f"gave ann {len(got or ())} texts in one call, after {len(many):,} were added.",
            f"All {len(many):,}, oldest first.",
            "The task asks for what is new, however much that is.",
        )


def _lives_for_a_while(answer, r):
    place = f"{S}:cursor:ann"
    for said, ttl_s in (((), 60), (("d",), 900), ((), 60)):
        _say(r, *said)
        answer(r, S, "ann", ttl_s)
        left = r.ttl(place)
        if left == -2:
            raise NotYet(
                "wrong-place",
                "keeps the cursor elsewhere.",
                "The key is stream + ':cursor:' + name.",
                "Operations, and this check, look for it there.",
            )
        if not ttl_s - 10 <= left <= ttl_s:
            raise NotYet(
                "wrong-lifetime",
                f"left a cursor {'without a lifetime' if left == -1 else f'with {left} s to live'}; ttl_s is {ttl_s}.",
                "Every call gives it ttl_s seconds from now, whether or not there was something to read.",
                "Who listens is alive. Who does not must be forgotten one day.",
            )
        r.expire(place, 20)
    r.delete(place)  # as if it had expired
    _say(r, "e")
    if answer(r, S, "ann", 60) is not None:
        raise NotYet(
            "hides-expiry",
            "went on for ann as if nothing had happened, after her cursor had expired.",
            "None, once.",
            "What was sent meanwhile may have been trimmed. She must know that she has missed something.",
        )


def _twice(answer, r):
    answer(r, S, "ann", 60)
    _say(r, "a")
    answer(r, S, "ann", 60)


def _mortal(r, result):
    if r.ttl(f"{S}:cursor:ann") == -1:
        raise NotYet(
            "lives-for-ever",
            "left a cursor that lives for ever: the process died before it set the lifetime.",
            "Value and lifetime are set in one step.",
            "Whoever trims for the slowest subscriber would wait for this one for ever.",
        )


def _each_message_once(answer, bench):
    def prepare(r):
        answer(r, S, "ann", 60)
        _say(r, "a", "b")

    def says_more(r):
        _say(r, "c")
        return answer(r, S, "ann", 60)

    def once(expected):
        def look(r, results):
            got = [*values(results), answer(r, S, "ann", 60)]
            if sorted(text for texts in got for text in texts or ()) != expected:
                raise NotYet(
                    "hands-out-twice",
                    f"gave {got[0]} and {got[1]} to two processes that listened for ann at the same time, and {got[2]} "
                    "afterwards.",
                    f"Each of {', '.join(expected)} once, to one of them.",
                    "Between a look at the cursor and the move, another process did the same. Look, read and move must "
                    "be one step.",
                )

        return look

    def joins(r):
        answer(r, S, "bob", 60)
        r.copy(S, "then")  # what was there when the first call returned
        return answer(r, S, "bob", 60)

    def misses_nothing(r, results):
        got = [*(values(results)[0] or ()), *(answer(r, S, "bob", 60) or ())]
        due = ["c", "d"][r.xlen("then") - 2 :]
        if due and got[-len(due) :] != due:
            raise NotYet(
                "misses-after-join",
                f"gave bob {got!r:.40}; {due} came after his first call.",
                "From the moment the first call returns, nothing is missed.",
                "The first call must leave an id behind, the place where the stream ended.",
            )

    one = lambda r: answer(r, S, "ann", 60)  # noqa: E731
    tried = interleave(bench, prepare, [one, one], once(["a", "b"]))
    interleave(bench, prepare, [one, says_more], once(["a", "b", "c"]))
    interleave(bench, lambda r: _say(r, "a", "b"), [joins, lambda r: _say(r, "c", "d")], misses_nothing)
    return tried
