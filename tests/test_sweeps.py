"""The sweeps find known faults, by their shortest way, and pass known-good code."""

import threading
import time
from math import comb

import pytest
import redis

from mqlab.broker import Broker
from mqlab.checks.bench import Bench
from mqlab.checks.engine import Lab, NotYet, run_check
from mqlab.checks.sweeps import SimulatedCrash, crash_sweep, interleave, lost_reply_sweep, race, values

Q, BOUND = "kiosk:orders:q", 10


@pytest.fixture(scope="module")
def bench():
    with Broker.start(private=True) as broker:
        yield Bench(broker, "test")


@pytest.fixture(autouse=True)
def no_threads_left():
    yield
    for thread in threading.enumerate():
        if thread.name.startswith(("caller", "your code", "recovery")):
            thread.join(timeout=5)
            assert not thread.is_alive()


def nothing(*_):
    pass


def steps(failure):
    return [(who, str(step)) for who, step, _ in failure.value.trace.entries]


# ---------------------------------------------------------------- interleave: a subscription


def a_view(first):
    """A reader of a counter: a snapshot and what was published since, in this order or in the other."""

    def snapshot(r, view):
        view["n"] = max(view["n"], int(r.get("n") or 0))

    def subscribe(r, view):
        view["sub"] = r.pubsub(ignore_subscribe_messages=True)
        view["sub"].subscribe("changes")

    def read(r):
        view = {"n": 0}
        for step in ([snapshot, subscribe] if first == "snapshot" else [subscribe, snapshot]):
            step(r, view)
        for _ in range(3):
            if message := view["sub"].get_message(timeout=1):
                view["n"] = max(view["n"], int(message["data"]))
        view["sub"].close()
        return view["n"]

    return read


def two_changes(r):
    for _ in range(2):
        r.publish("changes", r.incr("n"))


def up_to_date(r, results):
    values(results)
    if results[0] != 2:
        raise NotYet("gap", f"ended at {results[0]}", "ends at 2")


def test_a_subscription_after_the_snapshot_has_a_gap(bench):
    with pytest.raises(NotYet) as failure:
        interleave(bench, nothing, [a_view("snapshot"), two_changes], up_to_date)
    assert failure.value.code == "gap"
    assert ("caller A", "SUBSCRIBE changes") in steps(failure)
    assert ("caller A", "read the subscription") in steps(failure)


def test_a_subscription_before_the_snapshot_has_none(bench):
    start = time.monotonic()
    assert interleave(bench, nothing, [a_view("subscription"), two_changes], up_to_date).complete
    assert time.monotonic() - start < 20  # time-outs of a subscription take no time


def test_a_subscription_that_nobody_writes_to_is_a_deadlock(bench):
    def wait(r):
        with r.pubsub(ignore_subscribe_messages=True) as sub:
            sub.subscribe("changes")
            next(sub.listen())

    with pytest.raises(NotYet) as failure:
        interleave(bench, nothing, [wait, nothing], nothing)
    assert failure.value.code == "deadlock"


def test_a_lost_message_and_a_crash_of_a_subscriber_are_told(bench):
    def read(r):
        with r.pubsub(ignore_subscribe_messages=True) as sub:
            sub.subscribe("changes")
            two_changes(r)
            return [message["data"] for message in (sub.get_message(timeout=1) for _ in range(3)) if message]

    outcomes = []
    lost_reply_sweep(bench, nothing, read, lambda r, result: outcomes.append(repr(result)))
    assert "['1', '2']" in outcomes and any("ConnectionError" in outcome for outcome in outcomes)
    crash_sweep(bench, nothing, read, nothing, nothing)


# ---------------------------------------------------------------- interleave: a bounded queue


def almost_full(r):
    r.rpush(Q, *range(BOUND - 1))


def within_bound(r, results):
    values(results)
    depth = r.llen(Q)
    if depth > BOUND or results.count(True) != 1:
        raise NotYet("overshoots-bound", f"let {depth} orders in", "at most 10", "look, then act")


def look_then_push(r):
    if r.llen(Q) >= BOUND:
        return False
    r.rpush(Q, "x")
    return True


def push_by_script(r):
    return r.eval("if redis.call('LLEN', KEYS[1]) < tonumber(ARGV[1]) then redis.call('RPUSH', KEYS[1], 'x') "
                  "return 1 else return 0 end", 1, Q, BOUND) == 1


def push_by_registered_script(r):
    script = r.register_script("if redis.call('LLEN', KEYS[1]) < tonumber(ARGV[1]) then "
                               "redis.call('RPUSH', KEYS[1], 'x') return 1 else return 0 end")
    return script(keys=[Q], args=[BOUND]) == 1


def push_watching(r):
    with r.pipeline() as pipe:
        while True:
            try:
                pipe.watch(Q)
                if pipe.llen(Q) >= BOUND:
                    return False
                pipe.multi()
                pipe.rpush(Q, "x")
                pipe.execute()
                return True
            except redis.WatchError:
                continue


def push_with_ticket(r):
    if r.incr("tickets") > 1:
        r.decr("tickets")
        return False
    r.rpush(Q, "x")
    return True


def push_without_watch(r):
    if r.llen(Q) >= BOUND:
        return False
    with r.pipeline() as pipe:  # a transaction, but the look is outside
        pipe.rpush(Q, "x")
        pipe.execute()
    return True


def push_watching_too_late(r):
    with r.pipeline() as pipe:
        if r.llen(Q) >= BOUND:
            return False
        pipe.watch(Q)
        pipe.multi()
        pipe.rpush(Q, "x")
        try:
            pipe.execute()
        except redis.WatchError:
            return False
        return True


@pytest.mark.parametrize("push", [push_by_script, push_by_registered_script, push_watching, push_with_ticket])
def test_good_bounds_pass(bench, push):
    tried = interleave(bench, almost_full, [push, push], within_bound)
    assert tried.complete and tried >= 2


@pytest.mark.parametrize(("push", "shortest"), [(look_then_push, 4), (push_without_watch, 4)])
def test_check_then_act_is_caught_by_its_shortest_schedule(bench, push, shortest):
    with pytest.raises(NotYet) as failure:
        interleave(bench, almost_full, [push, push], within_bound)
    assert failure.value.code == "overshoots-bound"
    assert len(failure.value.trace) == shortest
    who = [who[-1] for who, _ in steps(failure)]
    assert who == ["A", "B", "B", "A"]  # two switches; one is not enough


def test_watch_after_the_look_is_caught(bench):
    with pytest.raises(NotYet, match="overshoots-bound"):
        interleave(bench, almost_full, [push_watching_too_late, push_watching_too_late], within_bound)


@pytest.mark.parametrize(("m", "n"), [(0, 0), (1, 0), (1, 1), (2, 3), (4, 4), (1, 6)])
def test_exactly_all_interleavings_are_tried_once(bench, m, n):
    orders = set()

    def straight(name, count):
        def run(r):
            for i in range(count):
                r.rpush("log", f"{name}{i}")
        return run

    def note(r, results):
        orders.add(tuple(r.lrange("log", 0, -1)))

    tried = interleave(bench, nothing, [straight("a", m), straight("b", n)], note)
    assert tried == len(orders) == comb(m + n, n)
    assert str(tried) == f"{comb(m + n, n)} interleaving{'s' * (tried != 1)} of two callers"


def test_three_callers(bench):
    tried = interleave(bench, nothing, [lambda r: [r.incr("n"), r.incr("n")]] * 3, nothing)
    assert tried == 90 and str(tried) == "90 interleavings of three callers"  # 6! / (2! 2! 2!)


def test_more_than_the_limit_is_sampled_and_said(bench):
    orders = []

    def write(name):
        return lambda r: [r.rpush("log", name) for _ in range(8)]

    def sweep():
        orders.clear()
        def note(r, results):
            orders.append("".join(r.lrange("log", 0, -1)))

        return interleave(bench, nothing, [write("a"), write("b")], note, limit=60)

    tried = sweep()
    assert tried == 60 and not tried.complete and "sample" in str(tried)
    assert len(set(orders)) == 60
    first = list(orders)
    sweep()
    assert orders == first  # seeded
    switches = ["".join(order).count("ab") + order.count("ba") for order in orders]
    assert switches[:30] == sorted(switches[:30]) and max(switches) > max(switches[:30])


def test_the_same_run_gives_the_same_trace(bench):
    texts = set()
    for _ in range(3):
        with pytest.raises(NotYet) as failure:
            interleave(bench, almost_full, [look_then_push, look_then_push], within_bound)
        texts.add(failure.value.trace.format())
    assert len(texts) == 1


def test_the_fewest_commands_come_before_the_fewest_switches(bench):
    def loser(r):  # wrong in every order, but with fewer commands when the other one was there first
        if not r.get("seen"):
            r.get("a"), r.get("b"), r.get("c")

    def wrong(r, results):
        raise NotYet("always", "always")

    with pytest.raises(NotYet) as failure:
        interleave(bench, nothing, [loser, lambda r: r.set("seen", 1)], wrong)
    assert steps(failure) == [("caller B", "SET seen 1"), ("caller A", "GET seen")]


# ---------------------------------------------------------------- interleave: locks, blocking, ends


def one_winner(r, results):
    if values(results).count(True) != 1:
        raise NotYet("two-winners", "gave the lock to both")


def test_get_then_set_lock_is_caught_and_set_nx_passes(bench):
    def bad(r):
        if r.get("lock"):
            return False
        r.set("lock", "me")
        return True

    with pytest.raises(NotYet, match="two-winners") as failure:
        interleave(bench, nothing, [bad, bad], one_winner)
    assert len(failure.value.trace) == 4
    assert interleave(bench, nothing, [lambda r: bool(r.set("lock", "me", nx=True))] * 2, one_winner) == 2


@pytest.mark.parametrize("take", [lambda r: r.blpop(Q, timeout=0), lambda r: r.blpop(Q, timeout=30),
                                  lambda r: r.blmove(Q, "taken", timeout=0),
                                  lambda r: r.xread({"s": "0"}, block=0)])
def test_a_blocked_consumer_lets_the_producer_go_on(bench, take):
    def put(r):
        r.ping()
        r.xadd("s", {"n": 1})
        r.rpush(Q, "x")

    def got(r, results):
        assert values(results)[0], "nothing came"

    assert interleave(bench, nothing, [take, put], got) == 4


def test_a_time_out_fires_only_when_nobody_else_can_move_and_costs_no_time(bench):
    seen = set()

    def take(r):
        return r.blpop(Q, timeout=3600)

    interleave(bench, nothing, [take, lambda r: r.ping()], lambda r, results: seen.add(results[0]))
    assert seen == {None}


def test_deadlock(bench):
    def swap(first, second):
        def run(r):
            r.blpop(first, timeout=0)
            r.rpush(second, "x")
        return run

    with pytest.raises(NotYet, match="deadlock") as failure:
        interleave(bench, nothing, [swap("a", "b"), swap("b", "a")], nothing)
    assert len(failure.value.trace) == 2
    assert "waits" in failure.value.trace.format()


def test_a_dead_consumer_takes_nothing_from_the_next_run(bench):
    def take(r):
        return r.blpop(Q, timeout=0)

    with pytest.raises(NotYet, match="deadlock"):
        interleave(bench, nothing, [take, take, lambda r: r.rpush(Q, "only one")], nothing)
    assert interleave(bench, nothing, [take, lambda r: r.rpush(Q, "x")], lambda r, res: values(res)) == 2


def test_a_spin_lock_that_is_released_passes(bench):
    def spin(r):
        while not r.set("lock", "me", nx=True):
            pass
        r.incr("n")
        r.delete("lock")

    def both(r, results):
        values(results)
        assert r.get("n") == "2"

    assert interleave(bench, nothing, [spin, spin], both).complete


def test_a_spin_lock_that_is_never_released_is_no_progress(bench):
    def spin(r):
        while not r.set("lock", "me", nx=True):
            pass

    with pytest.raises(NotYet, match="no-progress") as failure:
        interleave(bench, nothing, [spin, spin], nothing)
    assert len(failure.value.trace.format().splitlines()) <= failure.value.trace.most


def test_a_loop_without_end_is_told_at_once(bench):
    tried = []

    def endless(r):
        while True:
            r.incr("n")

    with pytest.raises(NotYet, match="no-progress"):
        interleave(bench, tried.append, [endless, endless], nothing)
    assert len(tried) == 1


def test_a_spin_lock_with_a_new_token_each_time_gives_the_owner_its_turn(bench):
    def spin():
        tokens = iter(range(10**6))

        def run(r):
            while not r.set("lock", next(tokens), nx=True):
                pass
            r.delete("lock")
        return run

    interleave(bench, nothing, [spin(), spin()], lambda r, results: values(results), limit=30)


def test_a_caller_that_raises_is_a_result(bench):
    def fail(r):
        r.ping()
        raise KeyError("mine")

    seen = []
    interleave(bench, nothing, [fail, lambda r: r.ping()], lambda r, results: seen.append(results))
    assert all(isinstance(result[0], KeyError) and result[1] is True for result in seen)
    with pytest.raises(KeyError) as error:
        interleave(bench, nothing, [fail, lambda r: r.ping()], lambda r, results: values(results))
    assert error.value.trace.format()


@pytest.mark.parametrize("error", [NotImplementedError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_stub_and_an_exit_pass_through(bench, error):
    def stub(r):
        raise error

    with pytest.raises(error):
        interleave(bench, nothing, [stub, stub], nothing)


def test_an_assert_in_verify_becomes_not_yet(bench):
    def verify(r, results):
        assert r.llen(Q) == 1, "two orders, one place"

    with pytest.raises(NotYet, match="two orders, one place") as failure:
        interleave(bench, nothing, [lambda r: r.rpush(Q, "x")] * 2, verify)
    assert failure.value.code == "broken-invariant" and len(failure.value.trace) == 2


def test_a_thread_that_a_caller_leaves_behind_ends_before_the_next_run(bench):
    def in_background(r):
        thread = threading.Thread(target=lambda: [r.incr("n") for _ in range(20)])
        thread.start()
        r.ping()

    def all_there(r, results):
        values(results)
        assert r.get("n") == "40", "not all of it happened"

    assert interleave(bench, nothing, [in_background, in_background], all_there) == 2


# ---------------------------------------------------------------- crash sweep


def one_job(r):
    r.rpush(Q, "job")


def not_lost(r, result):
    places = r.lrange(Q, 0, -1) + r.lrange("processing", 0, -1) + r.lrange("done", 0, -1)
    if "job" not in places:
        raise NotYet("lost", "lost the job")


def pop_then_push(r):
    job = r.rpop(Q)
    r.rpush("processing", job)
    r.rpush("done", job)
    r.lrem("processing", 1, job)


def move(r):
    job = r.lmove(Q, "processing")
    r.rpush("done", job)
    r.lrem("processing", 1, job)


def put_back(r):
    while r.lmove("processing", Q):
        pass


def test_pop_then_push_loses_a_job_and_the_trace_says_where(bench):
    with pytest.raises(NotYet, match="lost") as failure:
        crash_sweep(bench, one_job, pop_then_push, put_back, not_lost)
    lines = failure.value.trace.format().splitlines()
    assert lines[0].split() == ["1", "your", "code", "RPOP", "kiosk:orders:q", "→", "job"]
    assert "✗ the process was killed here (after the command took effect, before it saw the reply)" in lines[1]
    assert "recovery" in lines[2]


def test_move_with_recovery_passes_at_every_point(bench):
    assert str(crash_sweep(bench, one_job, move, put_back, not_lost)) == "6 crash points"  # before and after three


def test_ack_before_work_is_caught(bench):
    effects = []

    def prepare(r):
        effects.clear()
        r.xgroup_create("s", "g", id="0", mkstream=True)
        r.xadd("s", {"n": 1})

    def handle(r, consumer, ack_first):
        r.xreadgroup("g", consumer, {"s": ">"})
        for id_, _ in r.xautoclaim("s", "g", consumer, 0)[1]:  # what somebody else left, and what was just read
            if ack_first:
                r.xack("s", "g", id_)
            r.ping()  # the work takes a while
            effects.append(id_)
            if not ack_first:
                r.xack("s", "g", id_)

    def at_least_once(r, result):
        if not effects:
            raise NotYet("acks-before-work", "acknowledged a message that was never worked on")

    def sweep(ack_first):
        return crash_sweep(bench, prepare, lambda r: handle(r, "one", ack_first), lambda r: handle(r, "two", ack_first),
                           at_least_once)

    with pytest.raises(NotYet, match="acks-before-work") as failure:
        sweep(True)
    assert any("XACK" in step for _, step in steps(failure))
    assert sweep(False) == 8


def test_a_dead_process_does_nothing_more(bench):
    def stubborn(r):
        try:
            r.set("a", 1)
            r.set("b", 1)
        except BaseException:
            pass
        finally:
            try:
                r.set("last words", 1)
            except BaseException:
                pass
        return "survived"

    def silent(r, result):
        if isinstance(result, SimulatedCrash) or result == "survived":
            assert not r.get("last words") or r.get("b"), "a dead process spoke"

    assert crash_sweep(bench, nothing, stubborn, nothing, silent) == 6


def test_code_that_swallows_every_crash_in_a_loop_is_parked(bench):
    def immortal(r):
        while True:
            try:
                r.incr("n")
                return r.get("n")
            except BaseException:
                continue

    assert crash_sweep(bench, nothing, immortal, nothing, nothing) == 4


def test_a_run_that_never_ends_is_no_progress(bench):
    def endless(r):
        while True:
            r.incr("n")

    with pytest.raises(NotYet, match="no-progress"):
        crash_sweep(bench, nothing, endless, nothing, nothing, most=5)


def test_an_error_in_recovery_is_raised_with_the_trace(bench):
    def broken(r):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as error:
        crash_sweep(bench, one_job, move, broken, not_lost)
    assert "killed" in error.value.trace.format()


# ---------------------------------------------------------------- lost replies


def retry(r, command):
    for _ in range(3):
        try:
            return command(r)
        except redis.ConnectionError:
            continue
    return None


def once(r, result):
    if (n := r.llen(Q)) != 1:
        raise NotYet("duplicates", f"left {n} orders")


def test_a_naive_retry_duplicates_and_an_idempotent_one_does_not(bench):
    def idempotent(r):
        if r.eval("if redis.call('SET', KEYS[2], 1, 'NX') then redis.call('RPUSH', KEYS[1], 'x') end", 2, Q, "seen:1"):
            return True

    with pytest.raises(NotYet, match="duplicates") as failure:
        lost_reply_sweep(bench, nothing, lambda r: retry(r, lambda r: r.rpush(Q, "x")), once)
    assert "reply was lost" in failure.value.trace.format().splitlines()[0]
    assert str(lost_reply_sweep(bench, nothing, lambda r: retry(r, idempotent), once)) == "1 lost reply"


def test_a_lost_reply_reaches_a_caller_that_does_not_retry(bench):
    seen = []
    assert lost_reply_sweep(bench, nothing, lambda r: r.rpush(Q, "x"), lambda r, result: seen.append(result)) == 1
    assert isinstance(seen[0], redis.ConnectionError) and seen[1] == 1


def test_a_lost_reply_of_a_transaction(bench):
    def transfer(r):
        with r.pipeline() as pipe:
            pipe.decr("a").incr("b").execute()

    def balanced(r, result):
        assert int(r.get("a") or 0) + int(r.get("b") or 0) == 0

    assert lost_reply_sweep(bench, nothing, transfer, balanced) == 1


# ---------------------------------------------------------------- race


def test_race_gives_everybody_a_client_and_keeps_exceptions(bench):
    bench.flush()

    def fn(i, r):
        if i == 3:
            raise KeyError(i)
        return r.incr("n")

    results = race(bench, 8, fn)
    assert isinstance(results[3], KeyError)
    assert sorted(result for i, result in enumerate(results) if i != 3) == list(range(1, 8))


def test_race_finds_check_then_act_on_the_real_broker(bench):
    def attempt():
        bench.flush()
        almost_full(bench.r)
        return race(bench, 16, lambda i, r: look_then_push(r)).count(True)

    assert any(attempt() > 1 for _ in range(50))


# ---------------------------------------------------------------- locks


def test_a_lock_of_the_process_is_told_at_once_and_by_its_name():
    """The caller that waits for it sends no command, so nobody could be chosen any more."""
    lab, lock = Lab("x"), threading.Lock()

    def guarded(r):
        with lock:
            r.set("x", int(r.get("x") or 0) + 1)

    @lab.task(limit=20)
    def answer(fn, bench):
        interleave(bench, nothing, [fn, fn], nothing)

    start = time.monotonic()
    result = run_check(lab, "answer", guarded)  # in a child, with which the held-up threads end
    assert result.code == "process-lock" and time.monotonic() - start < 10
    assert "GET x" in result.text and "caller B waits in this process" in result.text


def test_a_lock_in_the_broker_is_waited_for_without_losing_time(bench):
    """redis-py's Lock sleeps 0.1 s between tries; hundreds of orders would take minutes."""

    def guarded(r):
        with r.lock("lock", timeout=60):
            r.set("x", int(r.get("x") or 0) + 1)

    def twice(r, results):
        assert int(r.get("x")) == 2, f"counted {r.get('x')} of 2"

    start = time.monotonic()
    assert interleave(bench, lambda r: None, [guarded, guarded], twice) > 10
    assert time.monotonic() - start < 8
    assert time.sleep.__module__ == "time"


def test_time_passes_again_after_a_sweep(bench):
    interleave(bench, lambda r: None, [lambda r: time.sleep(60), lambda r: r.get("x")], lambda r, results: None)
    start = time.monotonic()
    time.sleep(0.05)
    assert time.monotonic() - start >= 0.05
