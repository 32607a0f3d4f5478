"""The traced connection behaves like redis-py's own, and its hook hears of every step once."""

import pytest
import redis

from mqlab.broker import Broker
from mqlab.checks import traced
from mqlab.checks.trace import Said, Trace, reply_text
from mqlab.checks.traced import Hook, Step, traced_client


class Recorder(Hook):
    def __init__(self):
        self.steps = []
        self.replies = []

    def before(self, connection, step):
        self.steps.append(str(step))
        return step

    def after(self, connection, step, reply):
        self.replies.append(reply)


@pytest.fixture(scope="module")
def broker():
    with Broker.start(private=True) as broker:
        yield broker


@pytest.fixture
def hook():
    return Recorder()


@pytest.fixture
def r(broker, hook):
    with traced_client(broker.url, hook) as client:
        client.flushall()
        client.script_flush()
        hook.steps.clear()
        hook.replies.clear()
        yield client


def test_each_command_is_one_step_and_the_handshake_none(broker, hook, r):
    r.connection_pool.disconnect()
    assert r.set("k", "v") is True
    assert r.get("k") == "v"
    assert hook.steps == ["SET k v", "GET k"]


def test_an_error_reply_is_raised_as_usual(hook, r):
    r.set("k", "v")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        r.lpush("k", "v")
    assert isinstance(hook.replies[-1], redis.ResponseError)
    assert r.get("k") == "v"  # and the connection is still in step


def test_a_transaction_is_one_step(hook, r):
    with r.pipeline() as pipe:
        pipe.rpush("q", "a").incr("n").execute()
    assert hook.steps == ["MULTI · RPUSH q a · INCRBY n 1 · EXEC"]
    assert hook.replies == [[1, 1]]


def test_the_commands_of_a_plain_pipeline_are_a_step_each(hook, r):
    with r.pipeline(transaction=False) as pipe:
        assert pipe.rpush("q", "a").incr("n").lpush("n", "x").get("n").execute(raise_on_error=False)[:2] == [1, 1]
    assert hook.steps == ["RPUSH q a", "INCRBY n 1", "LPUSH n x", "GET n"]
    assert isinstance(hook.replies[2], redis.ResponseError)


def test_watch_sees_a_change_of_somebody_else(broker, hook, r):
    with broker.client() as other, r.pipeline() as pipe:
        pipe.watch("k")
        other.set("k", "theirs")
        pipe.multi()
        pipe.set("k", "mine")
        with pytest.raises(redis.WatchError):
            pipe.execute()
    assert r.get("k") == "theirs"
    assert hook.steps[:2] == ["WATCH k", "MULTI · SET k mine · EXEC"]
    assert hook.replies[1] is None


def test_a_script_falls_back_from_evalsha(hook, r):
    script = r.register_script("return redis.call('incrby', KEYS[1], ARGV[1])")
    assert script(keys=["n"], args=[5]) == 5
    assert script(keys=["n"], args=[5]) == 10
    call = "Lua script(n, 5)"
    assert hook.steps == [call, "SCRIPT LOAD (the Lua script)", call, call]
    assert "does not know this script" in reply_text(hook.replies[0])


def test_publish_and_subscribe(hook, r):
    with r.pubsub() as sub:
        sub.subscribe("a", "b")
        assert [sub.get_message(timeout=2)["type"] for _ in range(2)] == ["subscribe", "subscribe"]
        r.publish("b", "hello")
        assert sub.get_message(timeout=2)["data"] == "hello"
        assert sub.get_message(timeout=0) is None
    assert hook.steps[:4] == ["SUBSCRIBE a b", "PUBLISH b hello", "read the subscription", "read the subscription"]
    assert hook.replies[2][-1] == "hello" and hook.replies[3] is None


def test_a_subscription_listens_until_it_is_cut(broker, hook, r):
    with r.pubsub(ignore_subscribe_messages=True) as sub, broker.client() as other:
        sub.subscribe("a")
        assert sub.get_message(timeout=2) is None  # the confirmation
        other.publish("a", "one")
        other.publish("a", "two")
        heard = sub.listen()
        assert [next(heard)["data"], next(heard)["data"]] == ["one", "two"]
        other.client_kill_filter(_type="pubsub")
        with pytest.raises(redis.ConnectionError):
            next(heard)
    assert isinstance(hook.replies[-2], redis.ConnectionError)
    assert hook.steps[-1] == "SUBSCRIBE a"  # redis-py does so by itself, and raises the error all the same


def test_bytes_are_left_alone_where_asked_for(r):
    r.set("k", "v")
    assert isinstance(r.dump("k"), bytes)


@pytest.mark.parametrize("where", ["before", "after"])
def test_what_the_hook_raises_reaches_the_caller_and_the_next_command_works(hook, r, where):
    def refuse(*_):
        setattr(hook, where, type(hook).__dict__[where].__get__(hook))
        raise redis.ConnectionError("no")

    setattr(hook, where, refuse)
    with pytest.raises(redis.ConnectionError, match="no"):
        r.incr("n")
    assert r.incr("n") == (1 if where == "before" else 2)


@pytest.mark.parametrize(("command", "timeout", "sent"), [
    (("BLPOP", "q", 5), 5, ("BLPOP", "q", 0)),
    (("BLMOVE", "a", "b", "LEFT", "RIGHT", "0.5"), 0.5, ("BLMOVE", "a", "b", "LEFT", "RIGHT", 0)),
    (("BLMPOP", 2, 1, "q", "LEFT"), 2, ("BLMPOP", 0, 1, "q", "LEFT")),
    (("XREADGROUP", "GROUP", "g", "c", "BLOCK", 1500, "STREAMS", "s", ">"), 1.5,
     ("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", ">")),
])
def test_the_time_out_of_a_blocking_command_is_found(command, timeout, sent):
    step = Step((command,))
    assert step.timeout == timeout
    assert step.waiting_for_ever().commands == (sent,)


@pytest.mark.parametrize("command", [("LPOP", "q"), ("XREAD", "STREAMS", "block", "0"), ("BLPOP", "q", "soon")])
def test_other_commands_have_none(command):
    assert Step((command,)).timeout is None


def test_a_client_notes_what_it_waits_for(monkeypatch, r):
    notes = []
    monkeypatch.setattr(traced, "note", notes.append)
    r.get("k")
    assert notes == ["GET k", ""]


def test_a_trace_is_readable():
    trace = Trace()
    trace.add("caller A", Step((("LLEN", "kiosk:orders:q"),)), 9)
    trace.add("caller B", Step((("RPUSH", "kiosk:orders:q", '{"id": 11, "body": "' + "x" * 100 + '"}'),)), 10)
    trace.add("caller A", Step((("BLPOP", "q", 0),)), Said("(waits)"))
    trace.remark("✗ the process was killed here")
    assert trace.format().splitlines() == [
        "   1 caller A   LLEN kiosk:orders:q                    → 9",
        '   2 caller B   RPUSH kiosk:orders:q {"id": 11, "bo…}  → 10',
        "   3 caller A   BLPOP q 0                              → (waits)",
        "     ✗ the process was killed here",
    ]
    assert len(trace) == 3


def test_a_long_trace_is_shortened_and_no_line_is_too_long():
    trace = Trace()
    for n in range(200):
        trace.add("caller A", Step((("SET", f"key{n}", "y" * 500, "PX", 10**9, "z" * 90),)), "w" * 500)
    lines = trace.format().splitlines()
    assert len(lines) == trace.most
    assert max(map(len, lines)) < 100
    assert any("176 more" in line or "177 more" in line for line in lines)
    assert lines[-1].split()[0] == "200"


@pytest.mark.parametrize(("reply", "text"), [
    (None, "(nil)"), (True, "True"), (b"raw", "raw"), ("", '""'), ("two words", '"two words"'),
    ([1, None, ["a"]], "[1, (nil), [a]]"), ({"a": 1}, "{a: 1}"),
    (redis.ResponseError("WRONGTYPE x"), "error: WRONGTYPE x"),
])
def test_replies_in_words(reply, text):
    assert reply_text(reply) == text
