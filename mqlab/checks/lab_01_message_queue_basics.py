"""Checks of lab 01: a bounded, honest queue, its health, and a status board."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import redis

from mqlab import theory
from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.outcomes import number
from mqlab.checks.sweeps import crash_sweep, interleave, lost_reply_sweep, race, values
from mqlab.checks.traced import Hook, traced_client

lab = Lab("01-message-queue-basics")
Q = "kiosk:orders:q"


# ---------------------------------------------------------------- task 1


@lab.task(
    hints=[
        "While the spike lasts, spike − mu messages pile up every second. Can that be negative?",
        "After the spike new orders keep coming at the base rate, while the workers do mu.",
        "The backlog shrinks by mu − base every second. What if that is zero or less, and what if there is no backlog?",
    ]
)
def plan_capacity(answer, bench):
    cases = [
        (40, 260, 2, 100),
        (30, 300, 1.5, 150),
        (20, 40, 10, 50),
        (100, 400, 2, 100),
        (120, 300, 5, 100),
        (80, 90, 3, 95),
        (60, 40, 2, 50),
    ]
    cases += [tuple(bench.rng.uniform(1, 500) for _ in range(4)) for _ in range(300)]
    for case in cases:
        _planned(answer, *case)
    return f"{len(cases)} spikes"


def _planned(answer, base, spike, spike_s, mu):
    case = f"plan_capacity({base:.4g}, {spike:.4g}, {spike_s:.4g}, {mu:.4g})"
    peak = theory.fluid_depth(np.array([spike_s]), [(spike, spike_s)], mu)[0]
    drain = 0.0 if peak == 0 else peak / (mu - base) if mu > base else math.inf
    try:
        got = answer(base, spike, spike_s, mu)
    except ZeroDivisionError:
        raise NotYet(
            "divides-by-zero",
            f"divided by zero in {case}.",
            f"The drain time there is {drain:g}.",
            "With mu equal to base the backlog stays as it is: it never drains.",
        ) from None
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise NotYet(
            "not-a-pair", f"returned {got!r:.60} from {case}.", "It returns two numbers: (peak_depth, drain_s)."
        )
    got_peak, got_drain = number(got[0], "peak_depth"), number(got[1], "drain_s", infinite=True)
    did = f"returned ({got_peak:.5g}, {got_drain:.5g}) from {case}."
    if got_peak < 0 or got_drain < 0:
        raise NotYet(
            "negative",
            did,
            f"({peak:.5g}, {drain:.5g}): neither number can be negative.",
            "Idle workers do not store up work, and time does not run backwards.",
        )
    if not math.isclose(got_peak, peak, rel_tol=1e-6, abs_tol=1e-9):
        if got_peak in (math.floor(peak), math.ceil(peak)):
            raise NotYet("rounds", did, f"The peak depth is {peak:.5g}.", "Do not round: this is a model, not a count.")
        if math.isclose(got_peak, spike * spike_s, rel_tol=1e-6):
            raise NotYet(
                "idle-workers",
                did,
                f"The peak depth is {peak:.5g}.",
                "The workers do not stop during the spike: only what they cannot do piles up.",
            )
        raise NotYet(
            "wrong-peak",
            did,
            f"The peak depth is {peak:.5g}.",
            "The queue is empty when the spike begins; then it grows by what comes in minus what goes out.",
        )
    if math.isinf(drain) and not math.isinf(got_drain):
        raise NotYet(
            "drains-in-vain",
            did,
            "With a backlog, and mu no larger than base, the drain time is math.inf.",
            "At λ ≥ μ a backlog never gets smaller. No queue repairs that.",
        )
    if peak == 0 and got_drain != 0:
        raise NotYet(
            "drains-nothing",
            did,
            "Where nothing waits, the drain time is 0.",
            "The question is how long the backlog of the spike lasts; here is none.",
        )
    if not math.isclose(got_drain, drain, rel_tol=1e-6):
        if math.isclose(got_drain, peak / mu, rel_tol=1e-6):
            raise NotYet(
                "divides-by-mu",
                did,
                f"The drain time is {drain:.5g} s.",
                "While the workers catch up, new orders keep coming in and take part of the capacity.",
            )
        if math.isclose(got_drain, drain + spike_s, rel_tol=1e-6):
            raise NotYet(
                "from-the-start",
                did,
                f"The drain time is {drain:.5g} s.",
                "It counts from the end of the spike, not from its beginning.",
            )
        raise NotYet(
            "wrong-drain",
            did,
            f"The drain time is {drain:.5g} s.",
            "After the spike, what comes in is base and what goes out is mu.",
        )


# ---------------------------------------------------------------- task 2


class _Recorder(Hook):
    """Notes whether a client sent a command that can wait for others, and the last error of the broker."""

    def __init__(self):
        self.blocking, self.steps, self.error = None, 0, None

    def before(self, connection, step):
        self.steps += 1
        if step.timeout is not None:
            self.blocking = str(step)
        return step

    def after(self, connection, step, reply):
        if isinstance(reply, redis.ResponseError):
            self.error = str(reply)[:150]


class _Rival(Hook):
    """Pushes a message of its own before each of the first commands of a client."""

    def __init__(self, r, pushes):
        self.r, self.pushes = r, pushes

    def before(self, connection, step):
        if self.pushes:
            self.pushes -= 1
            self.r.rpush(Q, "{}")
        return step


def _order(n=1):
    return {"order_id": f"o{n}", "total": 10 * n}


def _receipt(got):
    """The receipt as (status, id). Raises NotYet when it is none."""
    try:
        status, id_ = got
    except (TypeError, ValueError):
        raise NotYet("not-a-receipt", f"returned {got!r:.60}.", "It returns Receipt(status, id).") from None
    if status not in (202, 503):
        raise NotYet("not-a-receipt", f"returned the status {status!r:.40}.", "The status is 202 or 503.")
    if status == 503 and id_ is not None:
        raise NotYet(
            "id-without-message",
            f"returned 503 with the id {id_!r:.40}.",
            "With 503 the id is None.",
            "There is no message that this id could name.",
        )
    return status, id_


@lab.task(
    hints=[
        "Counting and pushing are two commands. Between them anybody may push. How can the broker do both in one step?",
        "A Lua script is one command to the broker: r.eval(script, 1, q, max_depth, message). WATCH with MULTI, too.",
        "Which exceptions mean that the broker has not taken the message? redis.RedisError is the parent of them all.",
    ],
    limit=20,
)
def submit_order(answer, bench):
    _accepts_and_bounds(answer, bench)
    _answers_at_once(answer, bench)
    _survives_a_dead_broker(answer, bench)
    _survives_silence(answer, bench)
    _survives_a_refusal(answer, bench)
    orders = _bound_holds_in_every_order(answer, bench)
    losses = _tells_the_truth_about_lost_replies(answer, bench)
    bench.flush()
    statuses = [_receipt(got)[0] for got in values(race(bench, 16, lambda i, r: answer(r, Q, _order(i), max_depth=10)))]
    if statuses.count(202) != 10 or bench.r.llen(Q) != 10:
        raise NotYet(
            "check-then-act",
            f"accepted {statuses.count(202)} of 16 orders that came at once; {bench.r.llen(Q)} messages wait.",
            "With max_depth=10 exactly 10 are accepted and 10 wait.",
            "All may look before any has pushed.",
        )
    return f"{orders}, {losses}, 16 callers at once"


def _accepts_and_bounds(answer, bench):
    receipts, recorder = [], _Recorder()
    client = traced_client(bench.broker.url, recorder)
    for n in range(3):
        status, id_ = _receipt(answer(client, Q, _order(n), max_depth=2))
        if status == 202 and bench.r.llen(Q) <= len(receipts) < 2:
            raise NotYet(
                "promise-before-store",
                "answered 202 before the message was in the queue.",
                "202 means: the broker has it.",
                "If the process dies now, the customer has a promise and nobody has the order.",
            )
        receipts.append((status, id_))
    statuses, depth = [status for status, _ in receipts], bench.r.llen(Q)
    if statuses == [503, 503, 503]:
        said = f" The broker said: {recorder.error}" if recorder.error else ""
        raise NotYet(
            "refuses-everything",
            f"answered 503 three times, with an empty queue and a healthy broker.{said}",
            "202, 202, 503 with max_depth=2.",
            "Catching RedisError also hides errors in a command or a script of yours." if said else "",
        )
    if statuses == [202, 202, 202]:
        raise NotYet(
            "no-bound",
            f"accepted a third order with max_depth=2; {depth} messages wait.",
            "The third answer is 503.",
            "Without a bound the first long outage of the workers fills the broker's memory.",
        )
    if statuses != [202, 202, 503] or depth != 2:
        raise NotYet(
            "wrong-bound", f"answered {statuses} with max_depth=2; {depth} messages wait.", "202, 202, 503, and 2 wait."
        )
    try:
        messages = [json.loads(raw) for raw in bench.r.lrange(Q, 0, -1)]
        ids = [m["id"] for m in messages]
        right = all(m["type"] == "PlaceOrder" and m["key"] == m["body"]["order_id"] and m["ts_ms"] for m in messages)
        numbers = [m["body"]["order_id"] for m in messages]
    except (ValueError, TypeError, KeyError):
        right, ids, numbers = False, [], []
    if not right:
        raise NotYet(
            "wrong-message",
            f"stored {bench.r.lindex(Q, 0)!r:.70}",
            'JSON of envelope("PlaceOrder", key=order["order_id"], body=order).',
            "Consumers written by others rely on the envelope.",
        )
    if numbers == ["o1", "o0"]:
        raise NotYet(
            "wrong-end",
            "put the second order in front of the first.",
            "New messages go to the tail of the list.",
            "Workers take from the head: the oldest order would wait longest.",
        )
    if ids != [id_ for _, id_ in receipts[:2]] or len(set(ids)) != 2:
        raise NotYet(
            "wrong-id",
            f"gave the receipts {[id_ for _, id_ in receipts[:2]]} for the messages {ids}.",
            "The receipt carries the id of its message, and each message has its own.",
            "By the id the customer asks for the result later.",
        )
    bench.r.lpop(Q)
    if _receipt(answer(bench.r, Q, _order(3), max_depth=2))[0] != 202:
        raise NotYet(
            "counts-what-is-gone",
            "answered 503 although a worker had taken a message and a place was free.",
            "202.",
            "The bound is on what waits in the broker now. A count in this process knows nothing of workers.",
        )


def _answers_at_once(answer, bench):
    bench.flush()
    recorder, times = _Recorder(), []
    client = traced_client(bench.broker.url, recorder, socket_timeout=1)
    for n in range(5):
        began = time.monotonic()
        try:
            answer(client, Q, _order(n), max_depth=100)
        except redis.RedisError:
            pass
        times.append(time.monotonic() - began)
        if recorder.blocking or recorder.steps > 50 * (n + 1):
            raise NotYet(
                "waits-for-result",
                "waits in the broker for something to happen"
                + (f": {recorder.blocking:.60}" if recorder.blocking else ", asking again and again."),
                "It answers as soon as the message is stored.",
                "Waiting for the result is a synchronous call with extra steps.",
            )
    if sorted(times)[2] > 0.15:
        raise NotYet(
            "works-before-answer",
            f"took {sorted(times)[2] * 1000:.0f} ms for an order, with an idle broker.",
            "It stores the message and answers, in a few milliseconds.",
            "What takes long belongs into the worker.",
        )


def _survives_a_dead_broker(answer, bench):
    with bench.broker.expendable() as victim:
        victim.kill()
        try:
            with victim.client() as client:
                got = answer(client, Q, _order(), max_depth=10)
        except redis.RedisError as error:
            raise NotYet(
                "raises-when-down",
                f"raised {type(error).__name__} while the broker was down.",
                "It answers 503.",
                'The customer is to see "try again", not a stack trace.',
            ) from None
        if _receipt(got)[0] == 202:
            raise NotYet(
                "promise-before-store",
                "answered 202 while the broker was dead.",
                "It answers 503.",
                "Nobody has the order: the promise is empty.",
            )
        victim.restart()
        with victim.client() as client:
            if _receipt(answer(client, Q, _order(), max_depth=10))[0] != 202:
                raise NotYet("stays-down", "answered 503 when the broker was back.", "It answers 202 again.")


def _survives_silence(answer, bench):
    with bench.broker.expendable() as victim, victim.client(socket_timeout=0.2) as client:
        client.ping()
        victim.pause()
        try:
            got = answer(client, Q, _order(), max_depth=10)
        except redis.RedisError as error:
            raise NotYet(
                "raises-when-silent",
                f"raised {type(error).__name__} when the broker did not answer in time.",
                "It answers 503.",
                "In redis-py a time-out is not a ConnectionError. Which class do both come from?",
            ) from None
        finally:
            victim.resume()
        if _receipt(got)[0] == 202:
            raise NotYet(
                "promise-before-store",
                "answered 202 although the broker had not answered.",
                "It answers 503: nobody knows whether the broker has the message.",
                "A 202 is a promise, not a hope.",
            )


def _survives_a_refusal(answer, bench):
    bench.flush()
    bench.r.config_set("maxmemory", 1)
    try:
        got = answer(bench.r, Q, _order(), max_depth=10)
    except redis.RedisError as error:
        raise NotYet(
            "raises-when-refused",
            f"raised {type(error).__name__} when the broker was out of memory.",
            "It answers 503.",
            "A broker can be reachable and still refuse: out of memory, read-only, no permission.",
        ) from None
    finally:
        bench.r.config_set("maxmemory", 0)
    if _receipt(got)[0] == 202:
        raise NotYet(
            "promise-before-store",
            "answered 202 although the broker refused the message.",
            "It answers 503.",
            "Nobody has the order: the promise is empty.",
        )


def _bound_holds_in_every_order(answer, bench):
    def submit(bound):
        return lambda r: _receipt(answer(r, Q, _order(), max_depth=bound))[0]

    def one_place(r, results):
        if sorted(values(results)) != [202, 503] or r.llen(Q) != 1:
            raise NotYet(
                "check-then-act",
                f"answered {results[0]} and {results[1]} to two callers when one place was free; {r.llen(Q)} wait.",
                "One gets 202, the other 503, and 1 waits.",
                "Between a look and the act on it, somebody else can act. The broker must do both in one step.",
            )

    def two_places(r, results):
        if values(results) != [202, 202]:
            raise NotYet(
                "refuses-though-room",
                f"answered {results[0]} and {results[1]} to two callers when two places were free.",
                "Both get 202.",
                "That another caller was quicker is no reason to turn this one away: look again.",
            )

    def never_above(r, results):
        if values(results)[1] > 1:
            raise NotYet(
                "overshoots-then-undoes",
                f"let {results[1]} messages wait for a moment, with max_depth=1.",
                "There are never more than max_depth, not even for a moment.",
                "A worker may take the surplus message before it is taken back. Then a 503 was a lie.",
            )

    bench.flush()
    if submit(100)(traced_client(bench.broker.url, _Rival(bench.r, 18))) != 202:
        raise NotYet(
            "refuses-though-room",
            "answered 503 because other callers were quicker, time and again, with 80 places free.",
            "202: there is room.",
            "Under a rush some callers lose every try. As long as there is room, look again.",
        )
    tried = interleave(bench, nothing, [submit(1), submit(1)], one_place)
    tried += interleave(bench, nothing, [submit(2), submit(2)], two_places)
    tried += interleave(bench, lambda r: r.rpush(Q, "{}"), [submit(1), lambda r: r.llen(Q)], never_above)
    return f"{tried} interleavings"


def _tells_the_truth_about_lost_replies(answer, bench):
    def verify(r, result):
        if isinstance(result, redis.RedisError):
            raise NotYet(
                "raises-when-down",
                f"raised {type(result).__name__} when a reply was lost.",
                "It answers 503.",
                'The customer is to see "try again", not a stack trace.',
            )
        status, id_ = _receipt(values([result])[0])
        if status == 202 and id_ not in [json.loads(raw)["id"] for raw in r.lrange(Q, 0, -1)]:
            raise NotYet(
                "promise-before-store",
                "answered 202, but the message is not in the queue.",
                "202 means: the broker has it.",
            )
        if r.llen(Q) > 3:
            raise NotYet(
                "check-then-act",
                f"let {r.llen(Q)} messages wait with max_depth=3, after a lost reply.",
                "At most 3 wait.",
                "The message whose reply was lost may well be stored: a second try must count it.",
            )

    return lost_reply_sweep(
        bench, lambda r: r.rpush(Q, '{"id": 1}', '{"id": 2}'), lambda r: answer(r, Q, _order(), max_depth=3), verify
    )


# ---------------------------------------------------------------- task 3


def _fill(r, now_ms, waiting=(900, 300), busy=1, workers=("ann", "bob", "eve")):
    r.sadd(f"{Q}:workers", *workers)
    for n, age in enumerate(waiting):
        r.rpush(Q, json.dumps({"id": f"m{n}", "ts_ms": now_ms - age}))
    for name in workers[:busy]:
        r.rpush(f"{Q}:in-flight:{name}", json.dumps({"id": name, "ts_ms": now_ms - 2000}))


def _health(got):
    wanted = ["depth", "oldest_age_ms", "in_flight"]
    if not isinstance(got, dict):
        raise NotYet("wrong-keys", f"returned {got!r:.70}.", f"It returns a dict with {', '.join(wanted)}.")
    if set(got) != set(wanted):
        names = ", ".join(map(str, got))
        raise NotYet("wrong-keys", f"returned a dict with {names:.70}.", f"It has {', '.join(wanted)}.")
    return {key: value if isinstance(value, int) else number(value, key) for key, value in got.items()}


@lab.task(
    hints=[
        "LINDEX looks at one message without taking it. Which end holds the oldest?",
        "Between two commands a worker may move a message. What makes several reads one step?",
        "r.pipeline(transaction=True) sends MULTI … EXEC. Read the workers' names first, the rest in one of these.",
    ]
)
def queue_health(answer, bench):
    now, r = 1_764_000_000_000, bench.r
    _fill(r, now)
    changes = r.info("persistence")["rdb_changes_since_last_save"]
    health = _health(answer(r, Q, now))
    if r.info("persistence")["rdb_changes_since_last_save"] != changes:
        raise NotYet(
            "changes-the-queue",
            "wrote to the broker while it looked.",
            "Reading the pulse changes nothing.",
            "A message that you take out to look at it is gone if you die before you put it back.",
        )
    if abs(health["oldest_age_ms"]) > 1e9:
        raise NotYet(
            "own-clock",
            f"gave {health['oldest_age_ms']:.0f} ms as the oldest age.",
            "now_ms minus the message's ts_ms: 900.",
            "The caller says what time it is. With a clock of its own a function can be neither tested nor replayed.",
        )
    if health["oldest_age_ms"] == 300:
        raise NotYet(
            "newest-not-oldest",
            "gave 300 ms as the oldest age; messages of 900 ms and 300 ms wait.",
            "900.",
            "New messages are at the tail. The one that waits longest is at the head.",
        )
    if health["oldest_age_ms"] == 2000:
        raise NotYet(
            "counts-in-flight-age",
            "gave the age of a message that a worker has already.",
            "The age of the oldest *waiting* message: 900.",
        )
    if health["in_flight"] == 3:
        raise NotYet(
            "counts-workers",
            "gave 3 in flight: there are three workers, but one is busy.",
            "1.",
            "An idle worker holds no message.",
        )
    if health != {"depth": 2, "oldest_age_ms": 900, "in_flight": 1}:
        raise NotYet(
            "wrong-health", f"returned {health}.", "depth 2, oldest_age_ms 900, in_flight 1 for the example above."
        )
    _edges(answer, bench, now)
    seen = _one_snapshot(answer, bench, now)
    return f"{seen}, an empty queue, a skewed clock, 5,000 messages"


def _edges(answer, bench, now):
    bench.flush()
    try:
        health = _health(answer(bench.r, Q, now))
    except (TypeError, IndexError, ValueError) as error:
        raise NotYet(
            "fails-when-empty",
            f"raised {type(error).__name__} for an empty queue without workers: {error}",
            "Three zeros.",
            "An empty queue is the normal case, and the best one.",
        ) from None
    if any(health.values()):
        raise NotYet("fails-when-empty", f"returned {health} for an empty queue.", "Three zeros.")
    _fill(bench.r, now, waiting=(-50,), busy=3)
    health = _health(answer(bench.r, Q, now))
    if health["oldest_age_ms"] < 0:
        raise NotYet(
            "negative-age",
            f"gave {health['oldest_age_ms']:.0f} ms for a message from a producer whose clock is ahead.",
            "0.",
            "Clocks of two machines differ. An age below zero would stop every alarm on the maximum.",
        )
    if health != {"depth": 1, "oldest_age_ms": 0, "in_flight": 3}:
        raise NotYet(
            "wrong-health",
            f"returned {health}.",
            "depth 1, oldest_age_ms 0, in_flight 3: one waits, three workers are busy.",
        )
    bench.flush()
    _fill(bench.r, now, waiting=range(6000, 1000, -1), busy=0)
    sent = bench.r.info("stats")["total_net_output_bytes"]
    answer(bench.r, Q, now)
    if bench.r.info("stats")["total_net_output_bytes"] - sent > 60_000:
        raise NotYet(
            "reads-everything",
            "fetched thousands of messages to count them.",
            "A reading stays small, however long the queue is.",
            "With a million messages the dashboard itself becomes the load, every second.",
        )


def _one_snapshot(answer, bench, now):
    def verify(r, results):
        torn = "With one message in the system, depth + in_flight is always 1."
        why = "The worker moved the message between two of your commands. What belongs together must be read together."
        if isinstance(results[0], (TypeError, IndexError, ValueError)):
            raise NotYet(
                "torn-snapshot", f"raised {type(results[0]).__name__} when a worker took the only message.", torn, why
            )
        health = _health(values(results)[0])
        total = health["depth"] + health["in_flight"]
        if total != 1 or (health["depth"] == 0) != (health["oldest_age_ms"] == 0):
            raise NotYet(
                "torn-snapshot",
                f"returned depth {health['depth']:.0f}, oldest_age_ms {health['oldest_age_ms']:.0f} and "
                f"in_flight {health['in_flight']:.0f}, with one message in the system.",
                torn,
                why,
            )

    return interleave(
        bench,
        lambda r: _fill(r, now, waiting=(700,), busy=0),
        [lambda r: answer(r, Q, now), lambda r: r.lmove(Q, f"{Q}:in-flight:bob", "LEFT", "RIGHT")],
        verify,
    )


# ---------------------------------------------------------------- stretch


@lab.task(
    hints=[
        "Give the states a rank. A step forward has a higher rank than the state that is noted now.",
        "SET takes a value and a lifetime (EX) in one command. Read what a plain SET, or HSET, does to the lifetime.",
        "Compare and set must be one step: a Lua script, or WATCH and MULTI with another try.",
    ]
)
def StatusBoard(answer, bench):  # noqa: N802 — the task is a class
    board = _Board(answer(bench.r, "status:", 60))
    if board.get("nobody") != (404, "unknown or expired"):
        raise NotYet(
            "invents-a-state",
            f"returned {board.get('nobody')!r:.60} for a job nobody has heard of.",
            '(404, "unknown or expired").',
            "The customer would wait for a job that nobody knows.",
        )
    _moves_forward(board)
    _expires(board, bench.r)
    points = crash_sweep(bench, nothing, lambda r: answer(r, "status:", 60).set("a", "queued"), nothing, _mortal)
    points += _refusals_write_nothing(answer, bench)
    tried = _last_news_wins(answer, bench)
    return f"{tried}, {points} crash points"


def nothing(r):
    """An empty broker is all there is to prepare, and there is nothing to recover."""


class _Board:
    """The learner's board, lenient in types: 1 for True, a list for a tuple."""

    def __init__(self, board):
        self._board = board

    def set(self, job, state):
        accepted = self._board.set(job, state)
        if accepted not in (True, False):
            raise NotYet("not-a-verdict", f"returned {accepted!r:.40} from set.", "set returns True or False.")
        return bool(accepted)

    def get(self, job):
        got = self._board.get(job)
        return tuple(got) if isinstance(got, list) else got


RANK = {"queued": 1, "running": 2, "done": 3, "failed": 3}


def _moves_forward(board):
    for state in ("queued", "running", "done"):
        if not board.set("a", state) or board.get("a") != (200, state):
            raise NotYet(
                "loses-news",
                f"said {board.get('a')!r:.50} after set('a', {state!r}).",
                f"set returns True, and get then returns (200, {state!r}).",
            )
    for first in RANK:
        for late in RANK:
            job = f"{first}-{late}"
            board.set(job, first)
            accepted, state = board.set(job, late), board.get(job)
            if RANK[late] > RANK[first]:
                if not accepted or state != (200, late):
                    raise NotYet(
                        "refuses-a-step",
                        f"did not take {late!r} after {first!r}: returned {accepted}, state {state!r:.40}.",
                        f"True, and the state is {late!r}.",
                        "Messages get lost or overtake each other, so a step may be the first that is heard of.",
                    )
            elif accepted or state != (200, first):
                raise NotYet(
                    "goes-back",
                    f"took {late!r} for news after {first!r}: returned {accepted}, state {state!r:.40}.",
                    f"False, and the state stays {first!r}.",
                    "Messages overtake each other; a slow worker's report may come last. An end is an end.",
                )


def _expires(board, r):
    for state in ("queued", "running", "done"):
        board.set("t", state)
        left = r.ttl("status:t")
        if left == -2:
            raise NotYet(
                "wrong-place",
                "keeps the job somewhere else.",
                "Keep each job in the key prefix + job.",
                "The check looks at its lifetime there.",
            )
        if left == -1:
            raise NotYet(
                "lives-for-ever",
                f"left the entry without a lifetime after {state!r}.",
                "It lives for ttl_s seconds from now.",
                "A status board without expiry grows by one entry an order, for ever.",
            )
        if not 50 <= left <= 60:
            raise NotYet(
                "wrong-lifetime",
                f"left the entry {left} s to live after {state!r}; ttl_s is 60.",
                "Every accepted set gives it ttl_s seconds from now.",
                "A job that makes progress must not vanish, nor stay longer than promised.",
            )
        r.expire("status:t", 20)
    r.delete("status:t")
    if board.get("t") != (404, "unknown or expired"):
        raise NotYet(
            "invents-a-state", f"returned {board.get('t')!r:.60} for an expired entry.", '(404, "unknown or expired").'
        )


def _refusals_write_nothing(answer, bench):
    def prepare(r):
        answer(r, "status:", 60).set("a", "done")
        r.expire("status:a", 20)

    def verify(r, result):
        state, left = answer(r, "status:", 60).get("a"), r.ttl("status:a")
        if tuple(state) != (200, "done"):
            raise NotYet(
                "writes-then-restores",
                f"left the state {state!r:.40} when it died in the middle of refusing 'running' after 'done'.",
                "A refused set changes nothing, not even for a moment.",
                "Whoever writes first and puts the old value back may die in between, or be read in between.",
            )
        if left > 20:
            raise NotYet(
                "refusal-prolongs",
                f"gave the entry {left} s to live when it refused late news; it had 20.",
                "A refused set changes nothing, the lifetime included.",
                "Late news about a finished job would keep it for ever.",
            )

    return crash_sweep(bench, prepare, lambda r: answer(r, "status:", 60).set("a", "running"), nothing, verify)


def _mortal(r, result):
    if r.exists("status:a") and r.ttl("status:a") < 0:
        raise NotYet(
            "expiry-comes-later",
            "left an entry that lives for ever: the process died before it set the lifetime.",
            "Value and lifetime are set in one step.",
            "One crash in a million leaves one more key that nobody removes.",
        )


def _last_news_wins(answer, bench):
    def verify(r, results):
        first, second = values(results)
        state = _Board(answer(r, "status:", 60)).get("a")
        if state != (200, "done") or not second:
            raise NotYet(
                "late-news-wins",
                f"ended with {state!r:.40} after one worker reported 'running' and another 'done'.",
                "(200, 'done'), in whatever order the reports come.",
                "Both saw 'queued' and both wrote. Compare and write must be one step in the broker.",
            )

    return interleave(
        bench,
        lambda r: answer(r, "status:", 60).set("a", "queued"),
        [lambda r: answer(r, "status:", 60).set("a", "running"), lambda r: answer(r, "status:", 60).set("a", "done")],
        verify,
    )
