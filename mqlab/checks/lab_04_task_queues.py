"""Checks of lab 04: promotion of due jobs, leases with tokens, a decoder for jobs, and a cron tick."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import re
import signal
import tempfile
import time
import zlib
from pathlib import Path
from unittest import mock

import redis

from mqlab.checks.engine import Lab, NotYet
from mqlab.checks.sweeps import crash_sweep, interleave, race, values
from mqlab.faults import SkewedClock

lab = Lab("04-task-queues")
LATER, Q = "kiosk:later", "kiosk:tasks"


# ---------------------------------------------------------------- task 1


def _ids(got) -> list[str]:
    if not isinstance(got, list) or not all(isinstance(job, str) for job in got):
        raise NotYet(
            "not-a-list",
            f"returned {got!r:.60}.",
            "It returns the list of the jobs that it moved, [] if there are none.",
        )
    return got


@lab.task(
    hints=[
        "Between your look at the sorted set and what you do next, another scheduler may look too. Who moves the job?",
        "If you remove first and push then, where is the job when you are killed in between?",
        "One Lua script can look, remove and push in one step. WATCH, then MULTI with both commands, does it as well.",
    ],
    limit=15,
)
def promote_due(answer, bench):
    _moves_what_is_due(answer, bench)
    tried = _once_in_every_order(answer, bench)
    points = crash_sweep(
        bench,
        lambda r: r.zadd(LATER, {"a": 100, "b": 200, "c": 900}),
        lambda r: answer(r, LATER, Q, 500, 10),
        lambda r: answer(r, LATER, Q, 500, 10),
        _nothing_lost_or_doubled,
    )
    bench.flush()
    bench.r.zadd(LATER, {f"j{n}": n for n in range(60)})
    got = [_ids(jobs) for jobs in values(race(bench, 12, lambda i, r: answer(r, LATER, Q, 1000, 10)))]
    queued = bench.r.lrange(Q, 0, -1)
    if len(queued) != len(set(queued)) or sorted(queued) != sorted(job for jobs in got for job in jobs):
        raise NotYet(
            "pushed-twice",
            f"put {len(queued)} jobs into the queue, {len(set(queued))} different ones, with 12 schedulers at once.",
            "Each job gets into the queue once, and one scheduler returns it.",
            "All may look before the first has moved anything.",
        )
    return f"{tried} interleavings of two schedulers, {points}, 12 schedulers at once"


def _moves_what_is_due(answer, bench):
    r = bench.r
    if _ids(answer(r, LATER, Q, 500, 10)) != []:
        raise NotYet("not-a-list", "returned jobs from an empty set.", "Nothing is due: [].")
    r.zadd(LATER, {"a": 300, "b": 100, "c": 900, "d": 500})
    got, queued = _ids(answer(r, LATER, Q, 500, 10)), r.lrange(Q, 0, -1)
    if "c" in got or "c" in queued:
        raise NotYet(
            "promotes-early",
            "moved a job that is due at 900 when it was 500.",
            "A job is moved when its score is now_ms or less.",
            "A reminder for Friday that goes out on Monday is worse than none.",
        )
    if "d" not in got and "a" in got:
        raise NotYet("due-not-included", "left a job waiting that is due at 500 when it was 500.", "500 is due at 500.")
    if got == ["b", "a", "d"] and queued == ["d", "a", "b"]:
        raise NotYet(
            "wrong-end",
            "put the jobs at the head of the list, so that they stand in reverse.",
            "New jobs go to the tail: b, a, d.",
            "Workers take from the head: the job that was due last would run first.",
        )
    if sorted(got) == ["a", "b", "d"] and got != ["b", "a", "d"]:
        raise NotYet(
            "wrong-order",
            f"moved the jobs due at 300, 100 and 500 in the order {', '.join(got)}.",
            "The earliest first: b, a, d.",
            "With a limit, the order decides who waits. The job that is due longest must not be the one.",
        )
    if got != ["b", "a", "d"] or queued != got or r.zrange(LATER, 0, -1) != ["c"]:
        raise NotYet(
            "wrong-move",
            f"returned {got}, with {queued} in the list and {r.zrange(LATER, 0, -1)} in the sorted set.",
            "It returns b, a, d; these stand in the list in this order, and only c is left in the set.",
        )
    bench.flush()
    r.zadd(LATER, {f"j{n}": n for n in range(9)})
    first, then = _ids(answer(r, LATER, Q, 500, 4)), _ids(answer(r, LATER, Q, 500, 100))
    if first != ["j0", "j1", "j2", "j3"] or then != ["j4", "j5", "j6", "j7", "j8"]:
        raise NotYet(
            "ignores-limit",
            f"moved {len(first)} jobs with limit=4 when 9 were due, and {len(then)} with limit=100 afterwards.",
            "The 4 that have been due longest, then the other 5.",
            "After an outage a million jobs may be due. While a step runs, the broker serves nobody else.",
        )


def _places(r) -> dict[str, int]:
    """How often each of the jobs a, b, c is anywhere."""
    everywhere = r.zrange(LATER, 0, -1) + r.lrange(Q, 0, -1)
    return {job: everywhere.count(job) for job in "abc"}


def _once_in_every_order(answer, bench):
    def once(r, results):
        got = [_ids(jobs) for jobs in values(results)]
        queued = r.lrange(Q, 0, -1)
        if len(queued) != len(set(queued)) or set(got[0]) & set(got[1]):
            raise NotYet(
                "pushed-twice",
                f"put {queued} into the queue, with two schedulers at work.",
                "Each job gets into the queue once, and one scheduler returns it.",
                "Between a look and the act on it, the other one acted on the same look.",
            )
        if sorted(queued) != sorted(got[0] + got[1]) or set(_places(r).values()) != {1}:
            raise NotYet(
                "loses-in-a-race",
                f"left {queued} in the queue, {r.zrange(LATER, 0, -1)} in the set, and returned {got[0]} and {got[1]}.",
                "Each job is in one of the two places, and what is in the queue was returned by one scheduler.",
            )

    def call(limit):
        return lambda r: answer(r, LATER, Q, 500, limit)

    def due(r):
        r.zadd(LATER, {"a": 100, "b": 200, "c": 900})

    tried = interleave(bench, due, [call(1), call(1)], once, limit=300)
    return tried + interleave(bench, due, [call(10), call(10)], once, limit=300)


def _nothing_lost_or_doubled(r, result):
    places = _places(r)
    lost = [job for job, count in places.items() if count == 0]
    double = [job for job, count in places.items() if count > 1]
    if lost or double:
        where = "neither in the set nor in the queue" if lost else "in the set and in the queue, or in the queue twice"
        raise NotYet(
            "lost-in-a-crash" if lost else "doubled-by-a-crash",
            f"left {' and '.join(lost or double)} {where}: a scheduler was killed.",
            "At every moment each job is in one of the two places, once.",
            "What you took out and have not yet put back dies with you; what you put in and have not yet taken out is "
            "moved again. Both must be one step.",
        )
    if r.lrange(Q, 0, -1) != ["a", "b"]:
        raise NotYet(
            "stuck-after-a-crash",
            f"left {r.lrange(Q, 0, -1)} in the queue although another scheduler ran after the crash.",
            "The next call moves what is left: a and b are in the queue.",
            "Whatever a dead scheduler held, a lock for example, stands in the way: for ever, or until it expires.",
        )


# ---------------------------------------------------------------- task 2


def _lent(got) -> tuple[str, int] | None:
    if got is None:
        return None
    try:
        job, token = got
    except (TypeError, ValueError):
        raise NotYet("not-a-lease", f"lease returned {got!r:.60}.", "It returns (job, token), or None.") from None
    if not isinstance(job, str) or not isinstance(token, int) or isinstance(token, bool):
        raise NotYet("not-a-lease", f"lease returned {got!r:.60}.", "The job is a string, the token a whole number.")
    return job, token


@lab.task(
    hints=[
        "Keep for each leased job: when the lease ends, its newest token, and when it was given. Which command counts "
        "up and never gives the same number twice?",
        "Compare the token and act on it in one step: a Lua script, or WATCH and MULTI.",
        "In a script, redis.call('TIME') gives the broker's clock: seconds and microseconds. A renewed lease ends at "
        "the smaller of two times.",
    ],
    limit=25,
)
def TaskQueue(answer, bench):  # noqa: N802 — the task is a class
    _lends_in_order(answer, bench)
    _expires(answer, bench)
    _refuses_the_stale(answer, bench)
    _ends_with_the_token(answer, bench)
    _counts_up_quickly(answer, bench)
    _renews(answer, bench)
    _ends_at_the_time_out(answer, bench)
    _starts_the_time_out_anew(answer, bench)
    _asks_the_broker_for_the_time(answer, bench)
    tried = _one_owner_in_every_order(answer, bench)
    points = _survives_crashes(answer, bench)
    _survives_sigkill(answer, bench)
    bench.flush()
    bench.r.rpush(Q, "j0", "j1", "j2", "j3")
    got = [_lent(got) for got in values(race(bench, 10, lambda i, r: answer(r, Q).lease(f"w{i}", 60_000)))]
    jobs = sorted(lent[0] for lent in got if lent)
    if jobs != ["j0", "j1", "j2", "j3"]:
        raise NotYet(
            "lends-twice",
            f"lent {', '.join(jobs)} to ten workers that asked at once for four jobs.",
            "Each job goes to one of them.",
            "All may look before the first has taken anything.",
        )
    return f"{tried}, {points}, a worker killed with SIGKILL, a clock one hour off"


def _lends_in_order(answer, bench):
    r = bench.r
    q = answer(r, Q, job_timeout_ms=60_000, result_ttl_s=600)
    if _lent(q.lease("w1", 60_000)) is not None:
        raise NotYet("not-a-lease", "lent a job from an empty queue.", "None: there is no job.")
    bench.r.rpush(Q, "a", "b")
    first, second, third = (_lent(q.lease(w, 60_000)) for w in ("w1", "w2", "w3"))
    if third is not None:
        raise NotYet(
            "lends-twice",
            f"lent {third[0]!r} a second time while its lease was running.",
            "None: both jobs are out.",
            "A lease means that nobody else works on the job.",
        )
    if not first or not second or (first[0], second[0]) != ("a", "b"):
        raise NotYet(
            "wrong-order", f"lent {first} and then {second}; 'a' came before 'b'.", "The one that waited longest."
        )
    if any(not key.startswith(Q) for key in r.keys()):
        raise NotYet("wrong-place", "uses keys that do not start with the name.", f"All keys start with {Q!r}.")
    if q.complete("a", first[1], "done") is not True or r.get(f"{Q}:result:a") != "done":
        raise NotYet(
            "no-result",
            f"left {r.get(f'{Q}:result:a')!r:.40} in the result's key after complete('a', {first[1]}, 'done').",
            "complete returns True, and the key name:result:a holds 'done'.",
        )
    left = r.ttl(f"{Q}:result:a")
    if left == -1:
        raise NotYet(
            "result-lives-for-ever",
            "stored a result without a lifetime.",
            "It lives for result_ttl_s seconds.",
            "Most results are never fetched. Without a lifetime each of them stays in memory for ever.",
        )
    if not 590 <= left <= 600:
        raise NotYet("wrong-lifetime", f"gave the result {left} s to live; result_ttl_s is 600.", "600 s.")
    if q.fail("b", second[1]) is not True:
        raise NotYet("fail-loses-the-job", "did not return True from fail.", "True: the token is current.")
    again = _lent(q.lease("w3", 60_000))
    if again is None or again[0] != "b":
        raise NotYet(
            "fail-loses-the-job",
            f"lent {again} after fail('b').",
            "'b' can be leased again at once.",
            "A job that was given back must not be lost, nor wait for a lease to run out.",
        )
    _token_rises(second[1], again[1])


def _token_rises(old, new):
    if new <= old:
        raise NotYet(
            "token-does-not-rise",
            f"gave the token {new} for a second lease of the job; the first had {old}.",
            "Each lease of a job has a larger token than those before.",
            "By the token alone one can tell a worker that still has the job from one that only thinks so.",
        )


def _expires(answer, bench):
    bench.flush()
    q = answer(bench.r, Q)
    bench.r.rpush(Q, "a", "b")
    first = _lent(q.lease("w1", 20))
    time.sleep(0.06)
    again = _lent(q.lease("w2", 60_000))
    if again is None or first is None or again[0] != first[0]:
        raise NotYet(
            "never-expires",
            f"lent {again[0] if again else None!r} 60 ms after {first[0] if first else None!r} was lent for 20 ms.",
            "The job whose lease has run out goes first.",
            "Its worker is dead or lost. Nobody else will bring the job back.",
        )
    _token_rises(first[1], again[1])
    bench.flush()
    bench.r.rpush(Q, "a")
    job, token = _lent(q.lease("w1", 20))
    done = q.complete(job, token, "done")
    time.sleep(0.06)
    if done and _lent(q.lease("w2", 60_000)) is not None:
        raise NotYet(
            "comes-back",
            "lent a job again that had been completed.",
            "A completed job is forgotten, with its lease.",
            "The work would be done once more, for nothing.",
        )


def _refuses_the_stale(answer, bench):
    bench.flush()
    r = bench.r
    q = answer(r, Q)
    bench.r.rpush(Q, "a")
    _, old = _lent(q.lease("w1", 1))
    time.sleep(0.02)
    _, new = _lent(q.lease("w2", 60_000))
    zombie = "w1 was silent, its lease ran out, and w2 has the job now, with a newer token."
    if q.renew("a", old, 60_000) is not False:
        raise NotYet(
            "renews-for-a-stranger",
            "renewed a lease for a worker that no longer has the job.",
            "renew returns False and changes nothing.",
            zombie,
        )
    if q.complete("a", old, "late") is not False or r.exists(f"{Q}:result:a"):
        raise NotYet(
            "completes-without-token",
            "took a result from a worker that no longer has the job.",
            "complete returns False and stores nothing.",
            zombie,
        )
    if q.fail("a", old) is not False:
        raise NotYet(
            "fails-without-token",
            "took a job back from a worker that no longer has it.",
            "fail returns False.",
            zombie,
        )
    if any((q.renew("a", new + 1, 1), q.complete("a", new + 1, "x"), q.fail("a", new + 1))):
        raise NotYet(
            "accepts-a-token-never-given",
            f"accepted the token {new + 1}; the newest ever given is {new}.",
            "False: only the newest token counts, and it must be that one.",
            "A number that is merely large proves nothing.",
        )
    r.rpush(Q, "waits")
    for job, token in (("nobody", 1), ("nobody", 0), ("waits", 1), ("waits", 0)):
        for name, call in _calls(q, job, token):
            if call() is not False or r.exists(f"{Q}:result:{job}"):
                raise NotYet(
                    "accepts-unknown-jobs",
                    f"accepted {name}({job!r}, {token}, …) for a job that has never been leased.",
                    "False, and nothing changes: no token of this job was ever given.",
                )
    r.lrem(Q, 0, "waits")
    q.renew("a", old, 1)
    time.sleep(0.02)
    if _lent(q.lease("w3", 60_000)) is not None or q.complete("a", new, "done") is not True:
        raise NotYet(
            "stale-call-changes",
            "changed something in a call with an old token: the owner's lease, or its right to complete.",
            "A stale call returns False and changes nothing.",
            "A zombie that shortens the lease of its successor gives the job to a third.",
        )


def _calls(q, job, token):
    return (
        ("renew", lambda: q.renew(job, token, 60_000)),
        ("complete", lambda: q.complete(job, token, "again")),
        ("fail", lambda: q.fail(job, token)),
    )


def _ends_with_the_token(answer, bench):
    """After complete or fail, the token no longer counts."""
    r = bench.r
    for end in ("complete", "fail"):
        for name in ("renew", "complete", "fail"):
            bench.flush()
            q = answer(r, Q)
            r.rpush(Q, "a")
            job, token = _lent(q.lease("w1", 60_000))
            q.complete(job, token, "done") if end == "complete" else q.fail(job, token)
            again = dict(_calls(q, job, token))[name]()
            lent = [got[0] for got in (_lent(q.lease(w, 60_000)) for w in ("w2", "w3")) if got]
            result = r.get(f"{Q}:result:a")
            if again is not False or (lent, result) != (([], "done") if end == "complete" else (["a"], None)):
                raise NotYet(
                    "token-outlives-the-lease",
                    f"returned {again!r:.10} from {name} after {end} with the same token; then two workers that asked "
                    f"got {lent}, and the result was {result!r:.20}.",
                    f"After {end} the token no longer counts: False, and nothing changes. "
                    + ("Nobody gets the job again." if end == "complete" else "One worker gets the job."),
                    "A worker that lost the reply calls again. The job must not be there twice, nor come back.",
                )


def _counts_up_quickly(answer, bench):
    bench.flush()
    q, old = answer(bench.r, Q), None
    bench.r.rpush(Q, "a")
    for _ in range(100):
        lent = _lent(q.lease("w1", 60_000))
        if lent is None:
            raise NotYet(
                "fail-loses-the-job",
                "lent nothing after fail, in the middle of 100 rounds of lease and fail.",
                "'a' can be leased again at once.",
            )
        if old is not None:
            _token_rises(old, lent[1])
        old = lent[1]
        q.fail(*lent)


def _starts_the_time_out_anew(answer, bench):
    bench.flush()
    q = answer(bench.r, Q, job_timeout_ms=300)
    bench.r.rpush(Q, "a")
    q.lease("w1", 20)
    time.sleep(0.32)
    lent = _lent(q.lease("w2", 60_000))
    if lent and q.renew(*lent, 60_000) is not True:
        raise NotYet(
            "inherits-the-time-out",
            "returned False when w2 renewed a lease that it had just been given. w1 had the job 320 ms before; "
            "the time-out is 300 ms.",
            "True: job_timeout_ms counts from the moment this lease was given.",
            "The second worker starts from the beginning. It needs as much time as the first.",
        )


def _renews(answer, bench):
    bench.flush()
    q = answer(bench.r, Q)
    bench.r.rpush(Q, "a")
    job, token = _lent(q.lease("w1", 300))
    renewed = q.renew(job, token, 60_000)
    time.sleep(0.35)
    if renewed is not True or _lent(q.lease("w2", 60_000)) is not None:
        raise NotYet(
            "renews-nothing",
            "lent a job to somebody else although its owner had renewed the lease."
            if renewed is True
            else f"returned {renewed!r:.20} when the owner renewed its lease.",
            "renew returns True, and the lease lasts ttl_ms from now.",
            "Without renewal, a job that takes longer than its lease runs several times.",
        )


def _ends_at_the_time_out(answer, bench):
    bench.flush()
    q = answer(bench.r, Q, job_timeout_ms=150)
    bench.r.rpush(Q, "a")
    job, token = _lent(q.lease("w1", 60))
    first = q.renew(job, token, 60_000)
    end = time.monotonic() + 0.2
    while time.monotonic() < end:  # in small steps, as a thread that renews does
        time.sleep(0.02)
        q.renew(job, token, 60_000)
    late = q.renew(job, token, 60_000)
    again = _lent(q.lease("w2", 60_000))
    if late is not False or again is None:
        raise NotYet(
            "immortal-lease",
            f"returned {late!r:.10} from renew 200 ms after the lease was given, renewed every 20 ms, with a job "
            "time-out of 150 ms" + (", and the job stayed with its worker." if again is None else "."),
            "After job_timeout_ms renew returns False, and the lease ends then at the latest.",
            "The thread that renews can outlive a hung job. Then nobody would ever get it.",
        )
    if first is not True and first is not False:
        raise NotYet("renews-nothing", f"returned {first!r:.20} from renew.", "True or False.")


def _asks_the_broker_for_the_time(answer, bench):
    def with_clock(offset, call):
        clock = SkewedClock(offset)
        with mock.patch("time.time", clock), mock.patch("time.time_ns", lambda: int(clock() * 1e9)):
            return call()

    for lender, borrower in ((0, 3600), (-3600, 0)):
        bench.flush()
        q = answer(bench.r, Q)
        bench.r.rpush(Q, "a")
        with_clock(lender, lambda q=q: q.lease("w1", 60_000))
        if _lent(with_clock(borrower, lambda q=q: q.lease("w2", 60_000))) is not None:
            raise NotYet(
                "trusts-its-own-clock",
                "lent a job again while its lease of 60 s was running: the clocks of two workers differ by an hour.",
                "None: by the broker's clock the lease has just begun.",
                "Only one clock is the same for all: the broker's.",
            )


def _one_owner_in_every_order(answer, bench):
    tokens = {}

    def waiting(r):
        r.rpush(Q, "a")

    def expired(r):
        r.rpush(Q, "a")
        tokens["old"] = _lent(answer(r, Q).lease("w0", 1))[1]
        time.sleep(0.003)

    def lease(worker):
        return lambda r: _lent(answer(r, Q).lease(worker, 60_000))

    def one_of_two(r, results):
        if values(results) == [None, None]:
            raise NotYet(
                "dies-with-its-worker",
                "lent the only job to neither of two workers that asked at once, although it was free.",
                "One of them gets it.",
                "What another worker needs to know must be in the broker, not in a Python object.",
            )
        if sum(got is not None for got in values(results)) != 1:
            raise NotYet(
                "lends-twice",
                f"gave {results[0]} and {results[1]} to two workers that asked at once; there is one job.",
                "One gets the job, the other None.",
                "Between a look and the act on it, the other one acted on the same look.",
            )

    def one_owner(r, results):
        late, lent = values(results)
        stored = r.exists(f"{Q}:result:a") == 1
        if late and lent or stored != (late and tokens["call"] == "complete"):
            raise NotYet(
                "two-owners",
                f"{tokens['call']} of the first worker returned {late}, a second worker got {lent}"
                + (", and a result was stored." if stored else "."),
                "Either the first worker is in time, or the second one has the job. Never both.",
                "Comparing the token and acting on it must be one step.",
            )

    def complete(r):
        tokens["call"] = "complete"
        return answer(r, Q).complete("a", tokens["old"], "late")

    def fail(r):
        return answer(r, Q).fail("a", tokens["old"])

    def still_one_owner(r, results):
        late, lent = values(results)
        third = _lent(answer(r, Q).lease("w3", 60_000))
        newest = lent or third
        done = newest and answer(r, Q).complete("a", newest[1], "done")
        if (lent is None) == (third is None) or done is not True:
            raise NotYet(
                "fails-late",
                f"fail of the first worker returned {late}. A second worker got {lent}, and after both a third one "
                f"{third}. complete with the newest token returned {done}.",
                "The job has one owner, who can complete it.",
                "Between the look at the token and the act on it, somebody else was given the job.",
            )

    def renew(r):
        tokens["call"] = "renew"
        return answer(r, Q).renew("a", tokens["old"], 60_000)

    tried = interleave(bench, waiting, [lease("w1"), lease("w2")], one_of_two, limit=30)
    tried += interleave(bench, expired, [lease("w1"), lease("w2")], one_of_two, limit=30)
    tried += interleave(bench, expired, [complete, lease("w2")], one_owner, limit=30)
    tried += interleave(bench, expired, [renew, lease("w2")], one_owner, limit=30)
    tried += interleave(bench, expired, [fail, lease("w2")], still_one_owner, limit=30)
    return f"{tried} interleavings of two workers"


def _survives_crashes(answer, bench):
    seen = {}

    def nobody(r):
        """Comes to help."""

    def put(r):
        r.rpush(Q, "a")
        seen.clear()

    def leased(r):
        put(r)
        seen["token"] = _lent(answer(r, Q).lease("w1", 1))[1]

    def not_lost(r, result):
        time.sleep(0.003)  # here and not in `recover`: for a sweep's callers no time passes in a sleep
        seen["again"] = _lent(answer(r, Q).lease("w2", 60_000))
        stored = r.exists(f"{Q}:result:a") == 1
        if seen["again"] is None and not stored:
            raise NotYet(
                "lost-in-a-crash",
                "lost the job: its worker was killed, and no other worker ever gets it.",
                "After the lease the job can be leased again, or its result is there.",
                "What is no longer in one place and not yet in the other dies with the process.",
            )
        if stored and r.ttl(f"{Q}:result:a") < 0:
            raise NotYet(
                "lifetime-comes-later",
                "left a result that lives for ever: the worker was killed before it set the lifetime.",
                "Value and lifetime are set in one step.",
            )

    points = crash_sweep(bench, put, lambda r: answer(r, Q).lease("w1", 1), nobody, not_lost)
    points += crash_sweep(bench, leased, lambda r: answer(r, Q).complete("a", seen["token"], "done"), nobody, not_lost)
    points += crash_sweep(bench, leased, lambda r: answer(r, Q).fail("a", seen["token"]), nobody, not_lost)
    return f"{points} crash points"


def _survives_sigkill(answer, bench):
    bench.flush()
    bench.r.rpush(Q, "a")
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:  # a worker: it leases the job and is killed while it holds it
        try:
            with redis.Redis.from_url(bench.broker.url, decode_responses=True) as own:
                os.write(tell, json.dumps(answer(own, Q).lease("w1", 100)).encode())
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(tell)
    os.waitpid(pid, 0)
    with os.fdopen(told) as pipe:
        lent = json.loads(pipe.read() or "null")
    time.sleep(0.15)
    again = _lent(answer(bench.r, Q).lease("w2", 60_000))
    if lent and (again is None or again[1] <= lent[1]):
        raise NotYet(
            "dies-with-its-worker",
            f"lent {again} after the worker that had {tuple(lent)} was killed with SIGKILL and its lease had run out.",
            "The job, with a larger token.",
            "What another process needs must be in the broker, not in this one.",
        )


# ---------------------------------------------------------------- task 3


class _Mark:
    """Unpickling it makes a directory."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def _nested(levels: int) -> list:
    value: list = []
    for _ in range(levels - 1):
        value = [value]
    return value


class _Registry:
    """Tasks that note when they are called; `decode_task` must call none."""

    def __init__(self):
        self.called = called = []

        def add(a, b):
            called.append("add")

        def ship(order, express=False):
            called.append("ship")

        def email(*to):
            called.append("email")

        def anything(value):
            called.append("anything")

        self.tasks = {function.__name__: function for function in (add, ship, email, anything)}


def _job(task="add", args=(1, 2), **more) -> str:
    return json.dumps({"task": task, "args": list(args), **more})


def _good() -> dict[str, tuple[bytes | str, str, list]]:
    blobs = [
        (_job(), "add", [1, 2]),
        (_job().encode(), "add", [1, 2]),
        (_job("ship", ["o1"]), "ship", ["o1"]),
        (_job("ship", ["o1", True]), "ship", ["o1", True]),
        (_job("email", []), "email", []),
        (_job("email", list("abcdefgh")), "email", list("abcdefgh")),
        ('{"args": [1.5, -2e3], "task": "add"}', "add", [1.5, -2000.0]),
        ('{"task": "add", "args": ["Grüße", "日本"]}'.encode(), "add", ["Grüße", "日本"]),
        (_job("anything", [_nested(8)]), "anything", [_nested(8)]),  # 10 deep
        (_job("anything", ["x" * (10_000 - len(_job("anything", [""])))]), "anything", None),  # 10,000 bytes
        (_job("anything", [[[] for _ in range(1000)]]), "anything", None),
        (_job("anything", ["[" * 500]), "anything", ["[" * 500]),
        (_job("add", ["NaN", "-Infinity"]), "add", ["NaN", "-Infinity"]),
        (_job("add", ["1e999", "Infinity, NaN"]), "add", ["1e999", "Infinity, NaN"]),
        (_job(id="7", meta={"by": ["till 3"]}), "add", [1, 2]),
    ]
    return {f"{blob!r:.60}": (blob, task, args) for blob, task, args in blobs}


def _hostile(mark: str) -> list[tuple[str, str, bytes | str]]:
    """(code of the message, what it is, blob)."""
    inner = pickle.dumps(_Mark(mark))
    long = _job("anything", ["x" * 10_001])
    return [
        ("unpickles", "a pickle that runs os.mkdir", inner),
        ("unpickles", "a job with code in an argument", pickle.dumps({"task": "add", "args": [_Mark(mark), 2]})),
        ("unpickles", "a pickle in the old text format", pickle.dumps(_Mark(mark), protocol=0)),
        ("unpickles", "a pickle of a good job", pickle.dumps({"task": "add", "args": [1, 2]})),
        ("unpickles", "a compressed pickle", zlib.compress(inner)),
        ("imports-any-name", "the import path os.mkdir", _job("os.mkdir", [mark])),
        ("imports-any-name", "the import path os.path.os.mkdir", _job("os.path.os.mkdir", [mark])),
        ("imports-any-name", "the import path os:mkdir", _job("os:mkdir", [mark])),
        ("imports-any-name", "the name of a builtin", _job("eval", ["1"])),
        ("imports-any-name", "the name of a method of dict", _job("clear", [])),
        ("imports-any-name", "__import__", _job("__import__", ["os"])),
        ("unknown-task", "a task that nobody registered", _job("refund")),
        ("unknown-task", "an empty name", _job("")),
        ("unknown-task", "a name in capitals", _job("ADD")),
        ("unknown-task", "a name with a space", _job("add ")),
        ("wrong-arity", "one argument for add(a, b)", _job("add", [1])),
        ("wrong-arity", "three arguments for add(a, b)", _job("add", [1, 2, 3])),
        ("wrong-arity", "no argument for add(a, b)", _job("add", [])),
        ("wrong-arity", "three arguments for ship(order, express=False)", _job("ship", ["o1", True, 3])),
        ("not-finite", "NaN", '{"task": "add", "args": [NaN, 2]}'),
        ("not-finite", "Infinity", '{"task": "add", "args": [1, Infinity]}'),
        ("not-finite", "-Infinity deep inside", '{"task": "anything", "args": [{"a": [-Infinity]}]}'),
        ("not-finite", "1e999, which Python reads as infinity", '{"task": "add", "args": [1, 1e999]}'),
        ("not-finite", "NaN beside task and args", '{"task": "add", "args": [1, 2], "x": NaN}'),
        ("not-finite", "-1e999 beside task and args", '{"task": "add", "args": [1, 2], "x": [-1e999]}'),
        ("too-long", "10,001 bytes and more", long),
        ("too-long", "a short job and 20,000 blanks", _job() + " " * 20_000),
        ("too-long", "20,000 blanks inside a short job", '{"task": "add",' + " " * 20_000 + '"args": [1, 2]}'),
        ("too-long", "10,000 bytes beside task and args", _job(x="y" * 10_000)),
        ("too-long", "the same as bytes", long.encode()),
        ("too-long", "9,000 letters of two bytes each", '{"task": "anything", "args": ["' + "ü" * 9000 + '"]}'),
        ("too-deep", "lists 11 deep", _job("anything", [_nested(9)])),
        ("too-deep", "objects 12 deep", '{"task": "anything", "args": [' + '{"a":' * 10 + "1" + "}" * 10 + "]}"),
        ("too-deep", "4,000 lists in each other", '{"task": "anything", "args": [' + "[" * 4000 + "]" * 4000 + "]}"),
        ("too-deep", "50 lists in each other, beside task and args", _job(x=_nested(50))),
        ("not-a-job", "half a message", _job()[:20]),
        ("not-a-job", "nothing", b""),
        ("not-a-job", "bytes that are no text", b"\xff\xfe\x00{"),
        ("not-a-job", "a byte that is not UTF-8, in an argument", b'{"task": "add", "args": ["\xff", 2]}'),
        ("not-a-job", "a number", "42"),
        ("not-a-job", "null", "null"),
        ("not-a-job", "a list", '["add", [1, 2]]'),
        ("not-a-job", "no task", '{"args": [1, 2]}'),
        ("not-a-job", "no args", '{"task": "add"}'),
        ("not-a-job", "a task that is a list", '{"task": ["add"], "args": [1, 2]}'),
        ("not-a-job", "args that are a string", '{"task": "add", "args": "ab"}'),
        ("not-a-job", "args that are an object", '{"task": "add", "args": {"a": 1, "b": 2}}'),
    ]


WHY = {
    "unpickles": "A pickle is a program, and reading it runs it. No check afterwards comes in time.",
    "imports-any-name": "With a name that a stranger chose you call what a stranger chose, os.system for example.",
    "unknown-task": "Only what is in the registry, by exactly that name, can be called.",
    "wrong-arity": "The call would fail later, in the worker, where one message after the other ends a process.",
    "not-finite": "NaN is not even equal to itself, and infinity swallows sums. JSON has neither.",
    "too-long": "The length is checked before anything else: reading a gigabyte is the attack.",
    "too-deep": "Code that walks through the arguments later recurses once per level.",
    "not-a-job": "Strangers send anything. The worker must know what it has before it goes on.",
}


@lab.task(
    hints=[
        "Check the length first, of the bytes and not of the letters. Then parse, then look at what you have.",
        "json.loads has parse_constant for NaN and Infinity, and parse_float for numbers like 1e999. "
        "inspect.signature(f).bind(*args) tells whether a call fits.",
        "Which exceptions can come out of it? UnicodeDecodeError is a ValueError. KeyError, TypeError and "
        "RecursionError are not.",
    ],
    broker=False,
    limit=15,
)
def decode_task(answer, bench):
    with tempfile.TemporaryDirectory() as folder:
        mark = str(Path(folder, "mark"))
        corpus = _hostile(mark)
        pickles = [blob for blob in corpus if blob[0] == "unpickles"]
        for blob in pickles:  # first, since whoever unpickles cannot read the good ones
            _refuses(answer, mark, *blob)
        _accepts_good_jobs(answer)
        for blob in corpus:
            _refuses(answer, mark, *blob)
    return f"{len(corpus)} hostile blobs refused, {len(_good())} good ones accepted"


def _accepts_good_jobs(answer):
    for text, (blob, task, args) in _good().items():
        registry = _Registry()
        try:
            got = answer(blob, registry.tasks)
        except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as error:
            raise NotYet(
                "refuses-good-jobs",
                f"refused {text} ({len(blob):,} long): {type(error).__name__}: {error}"[:200],
                f"It is within every limit; the function is {task}{inspect.signature(registry.tasks[task])}.",
                "A door that is always shut is safe, and useless.",
            ) from None
        if registry.called:
            raise NotYet(
                "calls-the-task",
                f"called the function {registry.called[0]}.",
                "It returns the function and its arguments, and calls nothing.",
                "Whoever decodes must be able to look before anything happens.",
            )
        right = isinstance(got, tuple) and len(got) == 2 and got[0] == registry.tasks[task] and isinstance(got[1], list)
        if not right or (args is not None and got[1] != args):
            raise NotYet("wrong-return", f"returned {got!r:.70} for {text}.", "It returns (function, arguments).")


def _refuses(answer, mark, code, what, blob):
    registry = _Registry()
    raised = None
    try:
        answer(blob, registry.tasks)
    except NotYet:  # of the engine: the answer is a coroutine function, say
        raise
    except Exception as error:
        raised = error
    if os.path.exists(mark):
        os.rmdir(mark)
        raise NotYet(code, f"ran the code of a stranger: {what}.", "It refuses, and nothing runs.", WHY[code])
    if registry.called:
        raise NotYet("calls-the-task", f"called {registry.called[0]} for {what}.", "It calls nothing.", WHY[code])
    if raised is None:
        raise NotYet(code, f"accepted {what}.", "It raises ValueError.", WHY[code])
    if not isinstance(raised, ValueError):
        raise NotYet(
            "raises-something-else",
            f"raised {type(raised).__name__} for {what}.",
            "Every refusal is a ValueError.",
            "The worker catches ValueError. Anything else ends it, and the next worker gets the same message.",
        )


# ---------------------------------------------------------------- stretch


@lab.task(
    hints=[
        "SET with NX tells you whether you are the first. How long must the key live, and what is in its name?",
        "If you mark first and append then, what does a crash in between leave? And the other way round?",
        "Mark and append in one step: a Lua script. With WATCH and MULTI it takes more lines.",
    ],
    limit=15,
)
def cron_tick(answer, bench):
    _once_per_job_and_minute(answer, bench)
    _forgets_some_day(answer, bench)
    minute = 29_400_000

    def tick(r):
        return answer(r, Q, "report", minute)

    def one(r, results):
        if sorted(map(bool, values(results))) != [False, True] or r.llen(Q) != 1:
            raise NotYet(
                "twice-a-minute",
                f"returned {results[0]} and {results[1]} to two schedulers; the list has {r.llen(Q)} entries.",
                "One returns True, the other False, and the list has one entry.",
                "Between a look and the act on it, the other one acted on the same look.",
            )

    def done_once(r, result):
        if r.llen(Q) != 1:
            raise NotYet(
                "lost-in-a-crash" if r.llen(Q) == 0 else "doubled-by-a-crash",
                f"left {r.llen(Q)} entries: one scheduler was killed, another one came after it.",
                "One entry, whoever wrote it.",
                "The mark and the entry must come together, in one step.",
            )
        _mortal(r)

    tried = interleave(bench, lambda r: None, [tick, tick], one, limit=300)
    points = crash_sweep(bench, lambda r: None, tick, tick, done_once)
    return f"{tried}, {points}, late and early minutes"


def _mortal(r):
    for key in r.keys():
        if key != Q and not 3600 <= r.ttl(key):
            raise NotYet(
                "marks-for-ever" if r.ttl(key) == -1 else "forgets-too-soon",
                f"left a key that lives {'for ever' if r.ttl(key) == -1 else f'{r.ttl(key)} s'}: {key:.50}.",
                "What you remember about a minute lives for at least an hour, and not for ever.",
                "1,440 minutes a day and job add up. And a scheduler may come late by some minutes.",
            )


def _once_per_job_and_minute(answer, bench):
    r, minute = bench.r, 29_400_000
    got = [answer(r, Q, "report", minute), answer(r, Q, "report", minute)]
    if got != [True, False] or [type(value) for value in got] != [bool, bool]:
        raise NotYet(
            "wrong-return",
            f"returned {got[0]!r:.20} and then {got[1]!r:.20} for the same job and minute.",
            "True, then False.",
        )
    if r.lrange(Q, 0, -1) != [f"report@{minute}"]:
        raise NotYet("wrong-entry", f"wrote {r.lrange(Q, 0, -1)!r:.60}.", f"One entry: report@{minute}.")
    if answer(r, Q, "invoice", minute) is not True:
        raise NotYet(
            "one-mark-for-all-jobs",
            "returned False for another job in the same minute.",
            "True: two jobs in the same minute are two jobs.",
        )
    others = (minute + 1, minute - 1, minute - 5, minute + 121, minute + 10_000, minute + 1_000_000)
    for other in others:
        if answer(r, Q, "report", other) is not True:
            raise NotYet(
                "skips-other-minutes",
                f"returned False for minute {other} after minute {minute} had run.",
                "True: ticks come late and in any order.",
                "The last minute that ran says nothing about the one before it.",
            )
    for other in (minute, *others):
        if answer(r, Q, "report", other) is not False:
            raise NotYet(
                "forgets-too-soon",
                f"returned True a second time for minute {other}, after other minutes had run.",
                "False: what has run is remembered for an hour from then on, whichever minutes come next.",
                "Late ticks look old. How long to remember is a matter of the clock, not of the minute in the call.",
            )
    if any(not key.startswith(Q) for key in r.keys()):
        raise NotYet("wrong-place", "uses keys that do not start with the list's name.", f"All start with {Q!r}.")
    _mortal(r)


def _forgets_some_day(answer, bench):
    """Where each tick prolongs one key, its old entries must go by their age."""
    bench.flush()
    r, minute = bench.r, 29_400_000
    answer(r, Q, "report", minute)
    marks = [key for key in r.keys() if key != Q and not _names_the_hour(key)]
    for key in marks:
        r.expire(key, 600)
    answer(r, Q, "report", minute + 10_000)
    prolonged = [key for key in marks if r.ttl(key) > 600]
    for key in prolonged:
        _age(r, key)
    answer(r, Q, "report", minute + 20_000)
    if prolonged and answer(r, Q, "report", minute) is not True:
        raise NotYet(
            "marks-for-ever",
            f"prolongs the life of {prolonged[0]!r:.50} with each tick, and with it that of all the minutes in it.",
            "What you remember about a minute is gone some day, also if there is a tick every minute.",
            "A key lives or dies as a whole. Prolonged every minute, it never dies, and grows by 1,440 entries a day.",
        )


def _names_the_hour(key: str) -> bool:
    """Whether the key's name has the present hour or day in it: it is prolonged for that long only."""
    return any(abs(int(n) * unit - time.time()) <= unit for n in re.findall(r"\d{4,9}", key) for unit in (3600, 86_400))


def _age(r, key: str, days: int = 30):
    """Let the times in a sorted set or hash be that much earlier, in whatever unit they are."""
    kind = r.type(key)
    read = {"zset": lambda: dict(r.zrange(key, 0, -1, withscores=True)), "hash": lambda: r.hgetall(key)}
    entries = read.get(kind, dict)()
    for entry, value in entries.items():
        for per_second in (1, 1e3, 1e6, 1 / 60):
            try:
                number = float(value)
            except ValueError:
                break
            if abs(number / per_second - time.time()) < 8 * 86_400:
                older = number - days * 86_400 * per_second
                r.zadd(key, {entry: older}) if kind == "zset" else r.hset(key, entry, int(older))
