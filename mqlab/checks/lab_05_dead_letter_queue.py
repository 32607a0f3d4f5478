"""Checks of lab 05: whose fault it is, a step that can give up, a redrive, and alarms for the dead."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.error

import redis

from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.outcomes import number
from mqlab.checks.sweeps import crash_sweep, interleave, lost_reply_sweep, values
from mqlab.faults import FakeClock

lab = Lab("05-dead-letter-queue")
STRETCH = ("triage",)
S, GROUP, DLQ = "kiosk:orders", "shop", "kiosk:orders:dlq"


# ---------------------------------------------------------------- task 1


def _http(status):
    return urllib.error.HTTPError("http://pay.example", status, "", None, None)


def _undecodable():
    try:
        b"\xff".decode()
    except UnicodeDecodeError as error:
        return error


def _not_json():
    try:
        json.loads("{")
    except ValueError as error:
        return error


class _ProviderTimeout(TimeoutError):
    pass


class _UnknownProduct(KeyError):
    pass


class _HouseError(Exception):
    pass


WHY = {
    "malformed": "What cannot be read today cannot be read tomorrow. It is told apart from DEAD because its sender, "
    "not its content, has to be repaired.",
    "transient": "The other side may be back in a second. Burying the order for that is giving up too early.",
    "permanent": "The same input fails in the same way. Every further attempt is paid for by good orders.",
    "shutdown": "Somebody stops the worker: each deployment would bury what was in work.",
    "http": "408, 429 and 5xx are the server's trouble and pass. The other statuses are an answer: no.",
    "unknown": "An unknown failure may be either. Trying again is bounded by k; nobody undoes a burial.",
    "subclass": "Libraries raise subclasses. What holds for the class holds for them.",
    "other-value": "The first row has UnicodeDecodeError: what came in cannot be read. Every *other* ValueError is the "
    "handler's, and DEAD.",
    "text": "Texts are for people. They change with the version and the language; the class does not.",
}


def _failures():
    """(what it is about, exception, verdict)"""
    yield from (("malformed", error, "INVALID") for error in (_not_json(), _undecodable()))
    for error in (ConnectionError(), TimeoutError(), urllib.error.URLError("name not found")):
        yield "transient", error, "RETRY"
    for error in (KeyError("cuckoo clock"), IndexError(), TypeError(), ZeroDivisionError(), ValueError("total < 0")):
        yield "permanent", error, "DEAD"
    yield from (("shutdown", error, "RETRY") for error in (SystemExit(0), KeyboardInterrupt()))
    yield from (("http", _http(status), "DEAD") for status in (304, 400, 404, 409, 422, 499, 600))
    yield from (("http", _http(status), "RETRY") for status in (408, 429, 500, 502, 503, 599))
    yield from (
        ("unknown", error, "RETRY")
        for error in (_HouseError("?"), RuntimeError(), MemoryError(), OSError(28, ""), AttributeError("NoneType"))
    )
    yield from (("unknown", error, "RETRY") for error in (redis.ConnectionError("gone"), redis.ResponseError("OOM")))
    for error in (ConnectionResetError(), BrokenPipeError(), _ProviderTimeout()):
        yield "subclass", error, "RETRY"
    yield from (("subclass", error, "DEAD") for error in (_UnknownProduct("x"), OverflowError()))
    yield "other-value", UnicodeEncodeError("ascii", "é", 0, 1, ""), "DEAD"
    yield "text", ValueError("connection timed out, try again later"), "DEAD"
    yield "text", _HouseError("invalid JSON: permanently dead"), "RETRY"


@lab.task(
    hints=[
        "isinstance(exc, ValueError) is true for a JSONDecodeError as well. So the order of your questions matters.",
        "Ask for the special before the general: malformed, then HTTP with its status, then the permanent ones.",
        "What no question caught is left for the last row, RETRY: SystemExit and KeyboardInterrupt, for example.",
    ],
    broker=False,
)
def classify(answer, bench):
    count = 0
    for about, error, verdict in _failures():
        shown = f"{type(error).__name__}" + (f" with status {error.code}" if about == "http" else "")
        got = answer(error)
        if got not in ("RETRY", "DEAD", "INVALID"):
            raise NotYet("not-a-verdict", f"returned {got!r:.60} for {shown}.", '"RETRY", "DEAD" or "INVALID".')
        if got != verdict:
            raise NotYet(
                {"http": "http-status-ignored", "text": "reads-the-text"}.get(about, f"{about}-misjudged"),
                f"returned {got!r} for {shown}.",
                f"{verdict!r}.",
                WHY[about],
            )
        count += 1
    return f"{count} failures"


# ---------------------------------------------------------------- task 2


class ProviderTimeout(TimeoutError):
    """What the handler of the check raises for a failure that may pass."""


class UnknownProduct(KeyError):
    """What it raises for a failure that will not."""


def _verdict(error):
    """The classify that an answer is given: short, and right."""
    if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)):
        return "INVALID"
    return "DEAD" if isinstance(error, (ValueError, LookupError, TypeError, ArithmeticError)) else "RETRY"


class _Handler:
    """Does what the order says, and notes which orders it was called with."""

    def __init__(self):
        self.calls, self.no_order = [], None

    def __call__(self, order):
        if not isinstance(order, dict) or "do" not in order:
            self.no_order = f"{order!r:.60}"
            return
        self.calls.append(order["id"])
        raises = {"late": ProviderTimeout("503"), "unknown": UnknownProduct("cuckoo clock"), "quit": SystemExit(0),
                  "cache": redis.ConnectionError("the handler's own cache is down")}  # fmt: skip
        if order["do"] in raises:
            raise raises[order["do"]]


def _order(id, do="pack"):
    return json.dumps({"id": id, "do": do})


def _fill(r, *bodies):
    """A stream with these bodies, and its group; the ids."""
    r.xgroup_create(S, GROUP, mkstream=True)
    return [r.xadd(S, {"data": body, "trace": "t-81"}) for body in bodies]


def _taken(r, *ids, by="gone", idle_ms=120_000, deliveries=1):
    """Let `by` have taken these entries `idle_ms` ago, for the `deliveries`-th time."""
    r.xreadgroup(GROUP, by, {S: ">"}, count=len(ids))
    r.xclaim(S, GROUP, by, 0, ids, idle=idle_ms, retrycount=deliveries)


def _step(answer, r, handler, *, k=3, idle_ms=0, me="me"):
    try:
        got = answer(r, S, GROUP, me, handler, _verdict, k=k, dlq=DLQ, idle_ms=idle_ms)
    except (ProviderTimeout, UnknownProduct, json.JSONDecodeError) as error:
        raise NotYet(
            "failure-escapes",
            f"let the {type(error).__name__} of one order out.",
            "It asks classify, and returns a word.",
            "One bad order would end the worker, and the next worker, and the next.",
        ) from None
    if got not in ("idle", "done", "retry", "dead"):
        raise NotYet("not-a-word", f"returned {got!r:.60}.", 'It returns "idle", "done", "retry" or "dead".')
    return got


_DEAD_AND_PENDING = NotYet(
    "dead-and-pending",
    "left an order pending that it had buried.",
    "To bury is to add it to the dead letter queue and to acknowledge it.",
    "It would be buried again with every delivery.",
)


def _until_idle(answer, r, handler, k=3):
    """The words of all steps until there is nothing to do."""
    said = []
    while (word := _step(answer, r, handler, k=k)) != "idle":
        said.append(word)
        if len(said) > 30 and r.xlen(DLQ) > 5:
            raise _DEAD_AND_PENDING
        if len(said) > 30:
            raise NotYet(
                "never-gives-up",
                f"made {len(said)} steps for a few orders and was not done: {', '.join(said[:6])} …",
                f"After {k} failed attempts an order is dead.",
                "Poison without a limit keeps the worker busy for ever.",
            )
    return said


def _pending(r):
    return r.xpending(S, GROUP)["pending"]


@lab.task(
    hints=[
        "XPENDING in its extended form says of each pending entry how long it has been idle and how often it was "
        "delivered; it can filter by idle time. XCLAIM takes one entry, if it is still idle for that long.",
        "Ask for the delivery count before the handler runs. What happens in the handler may be the last thing this "
        "process does. Try only the parsing and the handler, not your own commands.",
        "To bury takes two commands. In which order do they lose nothing, or how do they become one step "
        "(MULTI, or a Lua script)?",
    ],
    limit=20,
)
def step_with_dlq(answer, bench):
    for part in (
        _works,
        _does_not_wait,
        _respects_the_busy,
        _old_before_new,
        _takes_one,
        _gives_up,
        _tells_why,
        _knows_verdicts,
        _judges_errors_of_the_handler,
        _lets_shutdown_through,
    ):
        bench.flush()
        part(answer, bench.r)
    bench.flush()
    _survives_killers(answer, bench)
    _passes_broker_errors(answer, bench)
    bench.flush()
    _keeps_all_the_dead(answer, bench.r)
    crashes = _crashes(answer, bench)
    losses = _lost_replies(answer, bench)
    orders = _one_worker_each(answer, bench)
    bench.flush()
    _looks_past_the_busy(answer, bench.r)
    return f"{crashes} crash points, {losses} lost replies, {orders}, 3 real kills"


def _works(answer, r):
    handler = _Handler()
    _fill(r, *(_order(f"m{n}") for n in range(3)))
    said = [_step(answer, r, handler) for _ in range(4)]
    if handler.no_order:
        raise NotYet(
            "handler-got-no-order",
            f"called the handler with {handler.no_order}.",
            "With the order: the parsed JSON of the entry's field data.",
            "The handler knows orders. How they travel is the worker's business.",
        )
    if handler.calls != ["m0", "m1", "m2"]:
        raise NotYet(
            "wrong-work",
            f"called the handler with {', '.join(handler.calls) or 'nothing'} in four steps; m0, m1 and m2 were there.",
            "Each step deals with one entry, in the order of the stream, each once.",
        )
    if _pending(r):
        raise NotYet(
            "not-acknowledged",
            f"left {_pending(r)} of 3 orders pending although their handler returned.",
            "Done is acknowledged.",
            "What is pending comes back: the order is packed twice.",
        )
    if said != ["done"] * 3 + ["idle"] or r.xlen(DLQ):
        raise NotYet("wrong-word", f"said {', '.join(said)} for three good orders.", "done, done, done, idle.")


def _gives_up(answer, r):
    handler = _Handler()
    _fill(r, _order("m0"), _order("p", "late"), _order("m1"), _order("m2"))
    said = _until_idle(answer, r, handler)
    ran, dead = handler.calls.count("p"), [fields["data"] for _, fields in r.xrange(DLQ)]
    if any('"m' in body for body in dead):
        raise NotYet(
            "condemns-bystanders",
            f"buried {len(dead)} orders; one of four was bad.",
            "Only the one that failed.",
            "They were read together; that does not make them fail together.",
        )
    if ran > 3:
        raise NotYet(
            "one-attempt-too-many",
            f"ran the handler {ran} times for an order that always fails, with k=3.",
            "3 times in all, the first one included.",
            "k counts attempts, not repetitions.",
        )
    if ran < 3:
        raise NotYet(
            "gives-up-early",
            f"ran the handler {ran} times for an order that always times out, with k=3.",
            "3 times, then it is dead.",
            "Each attempt that is given away buries orders that would have succeeded.",
        )
    if _pending(r):
        raise _DEAD_AND_PENDING
    if sorted(said) != sorted(["done"] * 3 + ["retry"] * 2 + ["dead"]):
        raise NotYet(
            "wrong-word",
            f"said {', '.join(said)} for three good orders and one that fails three times.",
            "Three times done, twice retry, once dead.",
            "The k-th failure is the last. What is left to the next delivery looks as if its worker had died.",
        )
    count = r.xrange(DLQ)[0][1].get("x-deliveries")
    if count != "3":
        raise NotYet("loses-metadata", f"wrote x-deliveries = {count!r:.30} after three deliveries.", "'3'.")


def _tells_why(answer, r):
    body = '{"id": "p",  "do": "unknown", "total": 12.50}'
    r.xgroup_create(S, GROUP, mkstream=True)
    id = r.xadd(S, {"data": body, "trace": "t-81"}, id="1764000000000-7")  # a while ago
    _step(answer, r, _Handler())
    letters = r.xrange(DLQ)
    if len(letters) != 1:
        raise NotYet(
            "retries-the-permanent",
            f"left {len(letters)} dead letters after a failure that classify calls DEAD.",
            "DEAD is buried at once.",
            "The same input fails the same way. Attempts cannot change that.",
        )
    letter = letters[0][1]
    if letter.get("data") != body or letter.get("trace") != "t-81":
        raise NotYet(
            "changes-the-body",
            f"buried data {letter.get('data')!r:.60} and trace {letter.get('trace')!r:.20}.",
            f"Every field of the entry as it was: data {body!r}, trace 't-81'.",
            "Whoever looks for the bug needs what came in, not what your parser made of it.",
        )
    wanted = {"x-id": id, "x-stream": S, "x-first-ms": id.split("-")[0], "x-deliveries": "1",
              "x-error": "UnknownProduct", "x-reason": "DEAD"}  # fmt: skip
    for name, value in wanted.items():
        if letter.get(name) != value:
            raise NotYet(
                "loses-metadata",
                f"wrote {name} = {letter.get(name)!r:.40} in the dead letter.",
                f"{name} = {value!r}: the handler raised UnknownProduct at the first delivery of entry {id}.",
                "Whoever finds the letter next week has only what is in it.",
            )


def _knows_verdicts(answer, r):
    handler = _Handler()
    _fill(r, '{"id": "broken', _order("m0"))
    first = _step(answer, r, handler)
    if first != "dead" or r.xlen(DLQ) != 1:
        raise NotYet(
            "retries-the-malformed",
            f"said {first} for data that is not JSON; {r.xlen(DLQ)} dead letters.",
            "classify says INVALID: buried at once.",
            "No attempt makes it readable, and every worker that tries loses time.",
        )
    reason = r.xrange(DLQ)[0][1].get("x-reason")
    if reason != "INVALID":
        raise NotYet("loses-metadata", f"wrote x-reason = {reason!r:.30} for data that is not JSON.", "INVALID.")


def _lets_shutdown_through(answer, r):
    _fill(r, _order("q", "quit"))
    try:
        said = answer(r, S, GROUP, "me", _Handler(), _verdict, k=1, dlq=DLQ, idle_ms=0)
    except SystemExit:
        said = None
    if r.xlen(DLQ) or not _pending(r):
        raise NotYet(
            "shutdown-is-poison",
            "buried or acknowledged the order that was in work when the worker was told to stop.",
            "It stays pending, and the next worker takes it.",
            "SystemExit is no verdict on the order. Each deployment would bury what was in work.",
        )
    if said is not None:
        raise NotYet(
            "swallows-shutdown",
            f"returned {said!r:.20} when the handler raised SystemExit.",
            "SystemExit passes through.",
            "A worker that swallows it cannot be stopped, only killed.",
        )


def _takes_one(answer, r):
    _fill(r, *(_order(f"m{n}", "late") for n in range(5)))
    _step(answer, r, _Handler())
    if _pending(r) != 1:
        raise NotYet(
            "takes-more-than-one",
            f"left {_pending(r)} entries pending after one step with one failure.",
            "One step takes one entry.",
            "If the first kills the worker, all that were taken with it count one more delivery.",
        )
    r.flushall()
    ids = _fill(r, *(_order(f"m{n}") for n in range(4)))
    _taken(r, *ids)
    _step(answer, r, _Handler())
    counts = [entry["times_delivered"] for entry in r.xpending_range(S, GROUP, "-", "+", 10)]
    if counts != [1, 1, 1]:
        raise NotYet(
            "takes-more-than-one",
            f"left the delivery counts {counts} on three entries that it did not work on.",
            "Each stays at 1: one step takes one entry.",
            "Deliveries are what the limit counts. Bystanders would be buried for a killer among them.",
        )


def _respects_the_busy(answer, r):
    ids, handler = _fill(r, *(_order(f"m{n}") for n in range(13))), _Handler()
    _taken(r, *ids, by="busy", idle_ms=0)
    said = _step(answer, r, handler, idle_ms=60_000)
    if handler.calls or said != "idle":
        raise NotYet(
            "steals-from-the-busy",
            f"said {said} where every entry was with a worker that had taken it a moment ago, with idle_ms=60000.",
            "idle: only what has been pending for idle_ms may be taken.",
            "The other worker is at it right now. The order would be packed twice.",
        )
    r.flushall()
    _taken(r, *_fill(r, _order("m0")))
    _step(answer, r, handler, idle_ms=60_000)
    if not handler.calls:
        raise NotYet(
            "leaves-the-dead",
            "did not take an entry that a dead worker has had for two minutes, with idle_ms=60000.",
            "What has been pending for idle_ms comes first, whoever had it.",
            "Nobody else will: it would be pending for ever.",
        )


def _does_not_wait(answer, r):
    _fill(r)
    waited = []
    for _ in range(3):
        begin = time.perf_counter()
        said = _step(answer, r, _Handler())
        waited.append(time.perf_counter() - begin)
    if said != "idle" or min(waited) > 0.05:
        raise NotYet(
            "waits",
            f"said {said} after {min(waited) * 1000:.0f} ms where there was nothing to do.",
            "idle, at once.",
            "The loop around it decides how long to wait. This step has no say in it.",
        )


def _old_before_new(answer, r):
    handler = _Handler()
    _taken(r, *_fill(r, _order("old")))
    r.xadd(S, {"data": _order("new"), "trace": "t-82"})
    _step(answer, r, handler, idle_ms=60_000)
    if handler.calls != ["old"]:
        raise NotYet(
            "new-before-old",
            f"took {', '.join(handler.calls) or 'nothing'}; one of a dead worker was pending, and a new one there.",
            "First the old one.",
            "As long as new ones come, and they always do, the old one would wait.",
        )


def _judges_errors_of_the_handler(answer, r):
    for k, word in ((2, "retry"), (1, "dead")):
        r.flushall()
        _fill(r, _order("m0", "cache"))
        try:
            said = _step(answer, r, _Handler(), k=k)
        except redis.RedisError as error:
            raise NotYet(
                "handler-error-escapes",
                f"let out the {type(error).__name__} that the handler raised.",
                "What the handler raises goes to classify, whatever its class.",
                "The handler has a client of its own. Only an error of *your* commands is not the order's failure.",
            ) from None
        if said != word:
            raise NotYet("wrong-word", f"said {said} when the handler raised redis.ConnectionError, k={k}.", word)


def _looks_past_the_busy(answer, r):
    handler, busy = _Handler(), 150
    ids = _fill(r, *(_order(f"m{n}") for n in range(busy + 1)))
    _taken(r, *ids, by="busy", idle_ms=0)
    r.xclaim(S, GROUP, "busy", 0, ids[-1:], idle=120_000, retrycount=1)
    _step(answer, r, handler, idle_ms=60_000)
    if handler.calls != [f"m{busy}"]:
        raise NotYet(
            "stops-at-the-busy",
            f"took {', '.join(handler.calls) or 'nothing'} while {busy} entries were with busy workers and the one "
            "behind them had been pending for two minutes.",
            "It takes the one behind them.",
            "One look sees a part of what is pending: XAUTOCLAIM returns where to go on, and XPENDING without its idle "
            "filter counts the busy ones, too.",
        )


def _survives_killers(answer, bench):
    """A real worker process per attempt, killed by SIGKILL in the handler."""
    r, k = bench.r, 3
    _fill(r, _order("m0"), _order("killer", "kill"), _order("m1"))

    def work():
        with redis.Redis.from_url(bench.broker.url, decode_responses=True) as mine:

            def handler(order):
                mine.incr(f"ran:{order['id']}")
                if order["do"] == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)

            for _ in range(10):
                if answer(mine, S, GROUP, "me", handler, _verdict, k=k, dlq=DLQ, idle_ms=0) == "idle":
                    return

    for _ in range(k + 3):
        if not _in_a_process(work):
            break
    ran, dead = int(r.get("ran:killer") or 0), [fields for _, fields in r.xrange(DLQ)]
    if ran > k:
        raise NotYet(
            "count-dies-with-worker",
            f"ran the handler of an order that kills its worker {ran} times, with k={k} (six workers, real SIGKILLs).",
            f"{k} times, then the next worker buries it without calling the handler.",
            "A count in the process dies with it, and what is noted after the handler is never noted.",
        )
    if ran < k or not dead:
        raise NotYet(
            "gives-up-early",
            f"ran the handler of an order that kills its worker {ran} times, with k={k}; {len(dead)} dead letters.",
            f"{k} times, then it is buried.",
        )
    if dead[0].get("x-error") != "WorkerDied":
        raise NotYet(
            "loses-metadata",
            f"wrote x-error = {dead[0].get('x-error')!r:.30} for an order that killed its workers.",
            "WorkerDied.",
            "There was no exception; but the reader should know that this one is dangerous.",
        )
    if dead[0].get("x-reason") != "RETRY":
        raise NotYet(
            "loses-metadata",
            f"wrote x-reason = {dead[0].get('x-reason')!r:.30} for an order that killed its workers.",
            "RETRY.",
            "Nobody judged it: there was no exception to classify.",
        )


def _in_a_process(work):
    """Run it in a process of its own; whether that was killed by a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def _passes_broker_errors(answer, bench):
    try:
        said = answer(bench.unreachable(), S, GROUP, "me", _Handler(), _verdict, k=3, dlq=DLQ, idle_ms=0)
    except redis.RedisError:
        return
    raise NotYet(
        "hides-broker-errors",
        f"returned {said!r:.20} while the broker was down.",
        "The redis.RedisError passes through.",
        '"Nothing to do" and "I cannot see" are not the same. Nobody would be told.',
    )


def _keeps_all_the_dead(answer, r):
    with r.pipeline() as many:
        for n in range(2500):
            many.xadd(DLQ, {"n": n})
        many.execute()
    _fill(r, _order("p", "unknown"))
    _step(answer, r, _Handler())
    if r.xlen(DLQ) != 2501:
        raise NotYet(
            "trims-the-dead",
            f"left {r.xlen(DLQ):,} of 2,501 dead letters.",
            "Nothing is removed from the dead letter queue but by hand.",
            "MAXLEN fits a stream whose entries were handled. Nobody has handled these.",
        )


def _crashes(answer, bench):
    handler, k = _Handler(), 2

    def prepare_poison(r):
        handler.calls.clear()
        _taken(r, *_fill(r, _order("p", "late")), deliveries=k - 1)

    def buried(r, result):
        copies, pending = r.xlen(DLQ), _pending(r)
        if not copies and not pending:
            raise NotYet(
                "loses-on-crash",
                "lost an order: it is no longer pending, and not in the dead letter queue.",
                "Wherever the worker is killed, the order is in one of the two.",
                "Between your two commands it was in neither.",
            )
        if copies not in (1, 2) or pending or len(handler.calls) > 1:
            raise NotYet(
                "not-settled-after-crash",
                f"left {pending} pending and {copies} dead letters, long after the crash of a worker; the handler ran "
                f"{len(handler.calls) + 1} times with k={k}.",
                f"Nothing pending, one letter (two at most), {k} attempts at most.",
                "Whoever takes over finds every state that the dead worker can have left, and goes on from there.",
            )

    def prepare_good(r):
        handler.calls.clear()
        _fill(r, _order("m0"))

    def packed(r, result):
        if not handler.calls or r.xlen(DLQ):
            raise NotYet(
                "acknowledges-before-work",
                "lost a good order: acknowledged, and its handler never ran to the end.",
                "It is acknowledged when the handler has returned.",
                "From the acknowledgement on nobody else will do it.",
            )

    def run(r):
        return _step(answer, r, handler, k=k)

    def run_killed_in_the_work(r):
        return _step(answer, r, _dying(handler, r), k=3)

    def recover(r):
        _until_idle(answer, r, handler, k=k)

    points = crash_sweep(bench, prepare_poison, run, recover, buried)
    points += crash_sweep(
        bench, prepare_good, run_killed_in_the_work, lambda r: _until_idle(answer, r, handler), packed
    )
    return int(points)


def _dying(handler, r):
    """The handler with a command of its own in it, so that the sweep kills the worker within the work, too."""

    def work(order):
        r.ping()
        handler(order)

    return work


def _lost_replies(answer, bench):
    handler, k = _Handler(), 3
    points = 0
    for do in ("pack", "late"):

        def prepare(r, do=do):
            handler.calls.clear()
            _taken(r, *_fill(r, _order("m0", do)), deliveries=k - 1)

        def verify(r, result, do=do):
            if not isinstance(result, redis.RedisError):
                values([result])
            _until_idle(answer, r, handler, k=k)
            if do == "pack" and handler.calls and r.xlen(DLQ):
                raise NotYet(
                    "blames-the-message",
                    "buried an order that had been packed: the reply to one of your own commands was lost.",
                    "A failure of the broker passes through; it says nothing about the order.",
                    "Only what the handler raises is the order's failure.",
                )
            if not handler.calls and not r.xlen(DLQ) or do == "late" and not r.xlen(DLQ):
                raise NotYet(
                    "loses-on-crash",
                    "lost an order: it was neither packed nor buried after a lost reply.",
                    "Packed, or in the dead letter queue.",
                )

        points += lost_reply_sweep(bench, prepare, lambda r: _step(answer, r, handler, k=k), verify)
    return int(points)


def _one_worker_each(answer, bench):
    handler = _Handler()

    def prepare(r):
        handler.calls.clear()
        _taken(r, *_fill(r, _order("m0")))

    def verify(r, results):
        fell = next((error for error in results if isinstance(error, (ValueError, LookupError, TypeError))), None)
        if fell:
            raise NotYet(
                "falls-over-a-rival",
                f"raised {type(fell).__name__}: {fell} when another worker took the entry between two commands.",
                "It looks further, or returns idle.",
                "Whoever comes second gets an empty answer from the broker. That is no fault, it is what protects you.",
            )
        values(results)
        if handler.calls != ["m0"]:
            raise NotYet(
                "two-take-one",
                f"ran the handler {len(handler.calls)} times for one order: two workers took over from one dead one.",
                "One of them gets it.",
                "Both saw that it was idle. Taking it must ask again, in the same step.",
            )

    def step(me):
        return lambda r: _step(answer, r, handler, idle_ms=60_000, me=me)

    return interleave(bench, prepare, [step("ann"), step("bob")], verify, limit=200)


# ---------------------------------------------------------------- task 3


def _bury(r, id, error="KeyError"):
    """A dead letter of the entry `id`."""
    death = {"x-id": id, "x-stream": S, "x-first-ms": id.split("-")[0], "x-deliveries": 3, "x-text": "?"}
    r.xadd(DLQ, {"data": f"body of {id}", "trace": "t-81", "xl": "no"} | death | {"x-error": error, "x-reason": "DEAD"})


def _redrive(answer, r, *, limit=100, only=lambda fields: True, rate=1000, watch=None):
    watch = watch or FakeClock(1_000_000)
    got = answer(r, DLQ, S, limit=limit, only=only, rate=rate, clock=watch.now, sleep=watch.sleep)
    try:
        moved, left = got
    except (TypeError, ValueError):
        raise NotYet("not-a-report", f"returned {got!r:.60}.", "Report(moved, left).") from None
    return number(moved, "moved"), number(left, "left")


def _bodies(r, stream):
    return [fields.get("data", "?").removeprefix("body of ") for _, fields in r.xrange(stream)]


@lab.task(
    hints=[
        "Read all dead letters once, choose, sort by the two numbers of x-id, and then move one after the other.",
        "XDEL says how many it removed. In a Lua script the copy can depend on that.",
        "The next token is there 1 / rate after the last one was *used*, and that may be later than it was due.",
    ],
    limit=20,
)
def redrive(answer, bench):
    for part in (_moves, _sees_all, _chooses, _keeps_the_pace, _ends):
        bench.flush()
        part(answer, bench.r)
    crashes = _resumes(answer, bench)
    presses = _two_operators(answer, bench)
    return f"{crashes}, {presses}, 21 messages against the clock"


def _moves(answer, r):
    order = ["9-0", "10-0", "10-9", "10-10", "11-0"]
    for id in ("10-10", "9-0", "11-0", "10-0", "10-9"):
        _bury(r, id)
    moved, left = _redrive(answer, r, limit=4)
    there, still = _bodies(r, S), _bodies(r, DLQ)
    if len(there) > 4:
        raise NotYet(
            "ignores-the-limit",
            f"moved {len(there)} of 5 with limit=4.",
            "At most `limit`.",
            "One first, to see whether the repair holds: that is what the limit is for.",
        )
    if any(id in still for id in there):
        raise NotYet(
            "leaves-the-copy",
            f"left what it moved in the dead letter queue: {', '.join(id for id in there if id in still)}.",
            "Each message is in exactly one of the two streams.",
            "The next redrive would send the order a second time.",
        )
    if sorted(there + still) != sorted(order):
        raise NotYet(
            "changes-the-body",
            f"made {', '.join(there) or 'nothing'} of 5 dead letters in the target.",
            "The data of each entry as it was.",
        )
    if there != order[:4]:
        raise NotYet(
            "wrong-order",
            f"moved {', '.join(there)}.",
            f"{', '.join(order[:4])}: in the order of x-id, first seen first.",
            "Order of death is not order of arrival, and ids are numbers: as text, 10-10 comes before 9-0.",
        )
    fields = r.xrange(S)[0][1]
    if any(name.startswith("x-") for name in fields):
        raise NotYet(
            "carries-the-old-death",
            f"wrote the fields {', '.join(sorted(fields))}.",
            "The original fields, and none that begins with x-.",
            "The message starts anew. Its old death must not be taken for a new one.",
        )
    if fields != {"data": fields["data"], "trace": "t-81", "xl": "no"}:
        raise NotYet(
            "changes-the-body",
            f"wrote the fields {', '.join(sorted(fields))}.",
            "data, trace and xl, as they were: all original fields.",
            "Who reads the target gets what the producer sent.",
        )
    if (moved, left) != (4, 1):
        raise NotYet("wrong-report", f"reported ({moved:g}, {left:g}).", "Report(moved=4, left=1).")
    _redrive(answer, r, limit=0)
    if r.xlen(S) > 4:
        raise NotYet("ignores-the-limit", f"moved {r.xlen(S) - 4} with limit=0.", "None: at most `limit`.")


def _sees_all(answer, r):
    with r.pipeline() as many:
        for n in range(250):
            _bury(many, f"{n + 10}-0")
        _bury(many, "9-0")
        many.execute()
    _redrive(answer, r, limit=1)
    if _bodies(r, S) != ["9-0"]:
        raise NotYet(
            "sees-a-part",
            f"moved {', '.join(_bodies(r, S)) or 'nothing'} with limit=1; 9-0 was seen first, and died last of 251.",
            "9-0.",
            "Which one was first seen is known when all have been looked at.",
        )


def _chooses(answer, r):
    for n in range(6):
        _bury(r, f"{n}-0", error="TimeoutError" if n % 2 == 0 else "KeyError")
    moved, left = _redrive(answer, r, limit=2, only=lambda fields: fields["x-error"] == "KeyError")
    there = _bodies(r, S)
    if any(id in there for id in ("0-0", "2-0", "4-0")):
        raise NotYet(
            "moves-the-unwanted",
            f"moved {', '.join(there)}; only 1-0, 3-0 and 5-0 fit `only`.",
            "1-0 and 3-0.",
            "What was not repaired dies again, after k more attempts.",
        )
    if there != ["1-0", "3-0"]:
        raise NotYet(
            "limit-counts-the-kept",
            f"moved {', '.join(there) or 'nothing'} with limit=2; 1-0, 3-0 and 5-0 fit `only`.",
            "1-0 and 3-0: what stays does not count.",
        )
    if (moved, left) != (2, 4):
        raise NotYet("wrong-report", f"reported ({moved:g}, {left:g}) after moving 2 of 6.", "Report(moved=2, left=4).")
    slept = _Watched(r)
    _redrive(answer, r, only=lambda fields: False, rate=1, watch=slept)
    if slept.calls:
        raise NotYet(
            "sleeps-for-nothing",
            "called sleep although nothing fits `only`.",
            "A message that is not moved takes no token.",
        )


class _Watched(FakeClock):
    """A clock that notes at which time how many messages had been moved; stalls once for three seconds."""

    def __init__(self, r, stall_at=0, on_sleep=lambda: None):
        super().__init__(1_000_000)
        self.r, self.calls, self.moves, self.stalled, self.last_call = r, 0, [], None, None
        self._stall_at, self._on_sleep = stall_at, on_sleep

    def note(self):
        self.moves += [self.now()] * (self.r.xlen(S) - len(self.moves))

    def sleep(self, seconds):
        self.note()
        self.calls, self.last_call = self.calls + 1, len(self.moves)
        self._on_sleep()
        super().sleep(seconds)
        if self.stalled is None and len(self.moves) == self._stall_at:
            self.stalled = len(self.moves)
            super().sleep(3.0)


def _keeps_the_pace(answer, r):
    for n in range(21):
        _bury(r, f"{n}-0")
    watch = _Watched(r, stall_at=8)
    _redrive(answer, r, rate=10, watch=watch)
    watch.note()
    gaps = [b - a for a, b in zip(watch.moves, watch.moves[1:], strict=False)]
    for n, gap in enumerate(gaps, start=1):
        if gap < 0.1 - 1e-6 and watch.stalled and n > watch.stalled:
            raise NotYet(
                "saves-up-tokens",
                f"moved message {n + 1} only {gap * 1000:.0f} ms after the one before, with rate=10: there had been a "
                "pause of 3 s.",
                "At least 100 ms, also after a pause.",
                "After a pause everything that was held back would come at once, when the system is weakest.",
            )
        if gap < 0.1 - 1e-6:
            raise NotYet(
                "too-fast",
                f"moved message {n + 1} {gap * 1000:.0f} ms after the one before, with rate=10.",
                "At least 100 ms by the clock it was given.",
                "The live customers queue behind what is redriven at once.",
            )
    if watch.moves[0] > 1_000_000 + 1e-6 or sum(gaps) > 20 * 0.1 + 3 + 0.15:
        raise NotYet(
            "too-slow",
            f"took {watch.moves[-1] - 1_000_000:.2f} s for 21 messages at rate=10, with a pause of 3 s in between.",
            "The first at once, then one every 0.1 s: 5 s.",
        )
    if watch.last_call == 21:
        raise NotYet(
            "sleeps-for-nothing",
            "called sleep after the last message.",
            "It sleeps before a move, if at all: nothing comes after the last one.",
        )


def _ends(answer, r):
    for n in range(3):
        _bury(r, f"{n}-0")
    new = iter(range(3, 15))
    moved, left = _redrive(answer, r, rate=10, watch=_Watched(r, on_sleep=lambda: _bury(r, f"{next(new, 15)}-0")))
    if moved != 3:
        raise NotYet(
            "chases-its-tail",
            f"moved {moved:g} messages; 3 were there when it began, and others died meanwhile.",
            "What dies while it runs waits for the next call.",
            "If the repair did not hold, the same messages would go round and round.",
        )
    if left != r.xlen(DLQ):
        raise NotYet(
            "wrong-report",
            f"reported left={left:g}; {r.xlen(DLQ)} were in the dead letter queue at the end, some had died meanwhile.",
            f"left={r.xlen(DLQ)}: what is there, not what should be there.",
        )


def _resumes(answer, bench):
    ids = ["1-0", "2-0", "3-0"]

    def prepare(r):
        for id in ids:
            _bury(r, id)

    def once(r, result):
        for again in (False, True):
            if again:
                _redrive(answer, r)
            there, still = _bodies(r, S), _bodies(r, DLQ)
            for id in ids:
                if there.count(id) + still.count(id) == 0:
                    raise NotYet(
                        "loses-on-crash",
                        f"lost {id}: it is in neither stream after a crash.",
                        "At any moment each message is in exactly one of the two streams.",
                        "Between your two commands it was in neither.",
                    )
                if there.count(id) + still.count(id) > 1:
                    raise NotYet(
                        "twice-on-crash",
                        f"has {id} in the streams {there.count(id) + still.count(id)} times after a crash.",
                        "At any moment each message is in exactly one of the two streams.",
                        "The next call redrives it once more. Both streams are in one broker: one step can do both.",
                    )
        if sorted(there) != ids:
            raise NotYet("not-resumed", f"left {', '.join(still)} behind when called again after a crash.", "None.")

    return crash_sweep(bench, prepare, lambda r: _redrive(answer, r), lambda r: None, once)


def _two_operators(answer, bench):
    def verify(r, results):
        moved = [report[0] for report in values(results)]
        if _bodies(r, S) != ["1-0"]:
            raise NotYet(
                "moves-it-twice",
                f"moved one dead letter {r.xlen(S)} times: two operators pressed the button.",
                "Once.",
                "Both had read it before either removed it. MULTI makes two commands one step; it does not look again.",
            )
        if sum(moved) != 1:
            raise NotYet(
                "reports-others-work",
                f"reported {moved[0]:g} and {moved[1]:g} moved to two operators; one message was moved, once.",
                "One of them reports 1, the other 0.",
                "A message that somebody else moved first is none of yours.",
            )

    return interleave(bench, lambda r: _bury(r, "1-0"), [lambda r: _redrive(answer, r)] * 2, verify, limit=200)


# ---------------------------------------------------------------- stretch


KNOWN = "kiosk:alarms"


def _die(r, error, text, first_ms):
    r.xadd(DLQ, {"data": "{}", "x-error": error, "x-text": text, "x-first-ms": first_ms})


def _alarms(got):
    """The alarms as plain tuples. Raises NotYet when they are none."""
    try:
        return [(str(kind), str(fingerprint), number(count, "count"), number(oldest, "oldest_ms"))
                for kind, fingerprint, count, oldest in got]  # fmt: skip
    except (TypeError, ValueError):
        raise NotYet(
            "not-alarms", f"returned {got!r:.60}.", "A list of Alarm(kind, fingerprint, count, oldest_ms)."
        ) from None


@lab.task(
    hints=[
        "re.sub replaces every run of digits. Group first, in a dict from fingerprint to ages.",
        "SADD says 1 if the member was not there. Who gets the 1 raises the alarm.",
    ]
)
def triage(answer, bench):
    r, now, new = bench.r, 1_000_000, "KeyError: order # not found"
    _die(r, "KeyError", "order 17 not found", now - 5_000)
    _die(r, "KeyError", "order 99 not found", now - 9_000)
    _die(r, "UnknownCard", "card 4111 1111 refused", now - 2_000)
    got = _alarms(answer(r, DLQ, KNOWN, now, max_age_ms=60_000))
    fingerprints = [alarm[1] for alarm in got]
    if any("##" in fingerprint for fingerprint in fingerprints):
        raise NotYet(
            "hash-per-digit",
            f"gave the fingerprints {fingerprints!r:.120}.",
            f"{new!r}: every *run* of digits is one #.",
            "Orders 99 and 100 would be two problems.",
        )
    if any(digit in "".join(fingerprints) for digit in "0123456789"):
        raise NotYet(
            "fingerprint-with-numbers",
            f"gave the fingerprints {fingerprints!r:.120}.",
            f"{new!r}: every run of digits is one #.",
            "Each order would be a problem of its own, and card numbers would go into the alarm.",
        )
    if len(got) > 2 and len(set(fingerprints)) == 2:
        raise NotYet(
            "alarm-per-message",
            f"raised {len(got)} alarms for 3 messages with two fingerprints.",
            "One for each fingerprint.",
            "Who gets 500 alarms for one bug reads none of them.",
        )
    right = [("new", new, 2, 9_000), ("new", "UnknownCard: card # # refused", 1, 2_000)]
    if sorted(got) == sorted(right) and got != right:
        raise NotYet("wrong-sequence", "put the smaller group first.", "Largest group first.")
    if fingerprints == [alarm[1] for alarm in right] and [alarm[3] for alarm in got] != [9_000, 2_000]:
        raise NotYet(
            "wrong-age",
            f"gave the ages {[alarm[3] for alarm in got]} (ms).",
            "[9000, 2000]: of the oldest message in each group, since x-first-ms.",
            "When it died says little. Since when has the customer been waiting?",
        )
    if got != right:
        raise NotYet("wrong-alarms", f"raised {got!r:.150}.", f"{right!r}.")
    again = _alarms(answer(r, DLQ, KNOWN, now, max_age_ms=60_000))
    if again:
        raise NotYet(
            "cries-every-time",
            f"raised {len(again)} alarms in a second call; nothing had changed.",
            "None: a fingerprint is new once.",
            "An alarm that rings every minute is switched off within the hour.",
        )
    later = _alarms(answer(r, DLQ, KNOWN, now + 52_000, max_age_ms=60_000))
    if later != [("old", new, 2, 61_000)]:
        raise NotYet(
            "misses-the-old",
            f"raised {later!r:.100} when one message was 61 s old, with max_age_ms=60000.",
            f"[('old', {new!r}, 2, 61000)].",
            "The first alarm was read, and forgotten. The age is what remembers.",
        )
    bench.flush()
    _ranks(answer, r, now)
    tried = interleave(
        bench, lambda r: _die(r, "KeyError", "order 1 not found", now), [_triage(answer, now)] * 2, _rings_once
    )
    return f"two fingerprints, an old one, {tried}"


def _ranks(answer, r, now):
    """Many letters, groups of one size, an error with a digit in its name, and an age that is just the limit."""
    with r.pipeline() as many:
        for n in range(300):
            _die(many, "Http2Error", f"stream {n} reset", now - 1_000)
        _die(many, "B", "late", now - 70_000)
        _die(many, "A", "late", now - 60_000)
        many.execute()
    got = _alarms(answer(r, DLQ, KNOWN, now, max_age_ms=60_000))
    if got and got[0][2] != 300:
        raise NotYet(
            "sees-a-part",
            f"counted {got[0][2]:g} in the largest group; 300 of one kind were there, and two others.",
            "300.",
            "The whole queue is counted, or the numbers in the alarm mean nothing.",
        )
    if not any(alarm[1] == "Http2Error: stream # reset" for alarm in got):
        raise NotYet(
            "changes-the-class",
            f"gave the fingerprint {got[0][1]!r:.60}." if got else "raised no alarm.",
            "'Http2Error: stream # reset': digits are replaced in the text, and only there.",
            "The digits of a class are its name. Whoever looks for Http#Error in the code finds nothing.",
        )
    if ("old", "A: late", 1, 60_000) in got:
        raise NotYet(
            "old-at-the-limit",
            "raised an alarm of kind old at an age of 60000 ms, with max_age_ms=60000.",
            "Older than max_age_ms: from 60001 on.",
        )
    right = [("new", "Http2Error: stream # reset", 300, 1_000), ("new", "A: late", 1, 60_000),
             ("new", "B: late", 1, 70_000), ("old", "B: late", 1, 70_000)]  # fmt: skip
    if got != right:
        code = "wrong-sequence" if sorted(got) == sorted(right) else "wrong-alarms"
        raise NotYet(code, f"raised {got!r:.250}.", f"{right!r}: equal ones by fingerprint, and new before old.")


def _triage(answer, now):
    return lambda r: _alarms(answer(r, DLQ, KNOWN, now, max_age_ms=60_000))


def _rings_once(r, results):
    rung = sum(len(alarms) for alarms in values(results))
    if rung != 1:
        raise NotYet(
            "both-ring",
            f"raised {rung} alarms in two calls at the same time, for one new fingerprint.",
            "One.",
            "Both looked before either noted it. Asking and noting must be one step.",
        )
