"""The fault kit does what it says, to the reply."""

import os
import random
import threading
import time

import pytest
import redis

from mqlab.broker import Broker
from mqlab.faults import FakeClock, Proxy, SkewedClock, duplicated, reordered
from tests import servers
from tests.kernels import until


@pytest.fixture(scope="module")
def broker():
    with Broker.start(private=True) as broker:
        yield broker


@pytest.fixture
def direct(broker):
    r = broker.client()
    r.flushall()
    return r


@pytest.fixture
def proxy(broker, direct):
    with Proxy(broker.url) as proxy:
        yield proxy


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def r(request, proxy):
    with redis.Redis.from_url(proxy.url, decode_responses=True, protocol=request.param) as r:
        yield r


def raises(function, *arguments) -> bool:
    try:
        function(*arguments)
    except redis.ConnectionError:
        return True
    return False


# ---------------------------------------------------------------- the proxy


def test_it_is_transparent(r, direct):
    values = {f"k{n}": "x" * n for n in (0, 1, 70_000, 2_000_000)}
    for key, value in values.items():
        r.set(key, value)
        assert r.get(key) == value
    assert direct.mget(*values) == list(values.values())
    with r.pipeline() as pipe:
        for n in range(3000):
            pipe.rpush("list", n)
        assert pipe.execute() == list(range(1, 3001))
    with pytest.raises(redis.ResponseError):
        r.execute_command("NO SUCH COMMAND")
    assert r.ping()


def test_pubsub_and_blocking_commands_pass(r, direct):
    hearing = r.pubsub(ignore_subscribe_messages=True)
    hearing.subscribe("news")
    until(lambda: direct.pubsub_numsub("news")[0][1] == 1)
    direct.publish("news", "hello")
    heard = []
    until(lambda: heard.append(hearing.get_message(timeout=0.1)) or any(heard))
    assert next(filter(None, heard))["data"] == "hello"
    hearing.close()
    threading.Timer(0.05, lambda: direct.rpush("q", "item")).start()
    assert list(r.blpop("q", timeout=5)) == ["q", "item"]


def test_delay_is_each_way_and_does_not_serialise(proxy, r):
    r.ping()
    proxy.delay = 0.05
    start = time.perf_counter()
    r.ping()
    one = time.perf_counter() - start
    assert one >= 0.1
    start = time.perf_counter()
    with r.pipeline(transaction=False) as pipe:
        for n in range(500):
            pipe.rpush("ordered", n)
        replies = pipe.execute()
    many = time.perf_counter() - start
    assert replies == list(range(1, 501)) and r.lrange("ordered", 0, -1) == [str(n) for n in range(500)]
    assert many < 500 * 0.1 / 5  # one after the other it would be 50 s


def test_many_are_on_their_way_at_once(proxy, r):
    connection = r.connection_pool.get_connection()
    proxy.delay = 0.1
    start = time.perf_counter()
    for _ in range(20):
        connection.send_command("PING")
        time.sleep(0.002)  # so that each travels alone
    assert {connection.read_response() for _ in range(20)} == {"PONG"}
    assert 0.2 <= time.perf_counter() - start < 20 * 0.1
    r.connection_pool.release(connection)


def test_delay_of_many_clients_at_once(proxy):
    proxy.delay = 0.05
    clients = [redis.Redis.from_url(proxy.url) for _ in range(20)]
    start = time.perf_counter()
    threads = [threading.Thread(target=client.ping) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.perf_counter() - start < 20 * 0.1
    for client in clients:
        client.close()


def test_a_lost_reply_took_effect(proxy, r, direct):
    proxy.lose_reply("XADD")
    with pytest.raises(redis.ConnectionError):
        r.xadd("s", {"n": 1})
    assert direct.xlen("s") == 1 and proxy.lost == 1
    r.xadd("s", {"n": 2})  # only that one
    assert direct.xlen("s") == 2 and proxy.lost == 1


def test_the_nth_of_that_command_is_lost(proxy, r, direct):
    proxy.lose_reply("rpush", n=3)
    lost = [raises(command, "q", "x") for command in (r.rpush, r.lpush, r.rpush, r.rpush, r.rpush)]
    assert lost == [False, False, False, True, False]
    assert direct.llen("q") == 5


def test_none_means_any_but_the_handshake(proxy, r, direct):
    proxy.lose_reply(n=2)
    assert not raises(r.set, "a", 1)
    assert raises(r.set, "a", 2)
    assert direct.get("a") == "2"


def test_in_a_pipeline_the_replies_before_it_arrive(proxy, direct):
    """All went through; the client has the replies up to the lost one, and then an error."""
    proxy.lose_reply("INCR", n=3)
    connection = redis.Redis.from_url(proxy.url, decode_responses=True).connection_pool.get_connection()
    connection.send_packed_command(connection.pack_commands([("INCR", "n")] * 5))
    assert [connection.read_response(), connection.read_response()] == [1, 2]
    with pytest.raises(redis.ConnectionError):
        connection.read_response()
    connection.disconnect()
    until(lambda: direct.get("n") == "5")
    assert proxy.lost == 1


def test_a_lost_outcome_of_a_transaction(proxy, r, direct):
    proxy.lose_reply("EXEC")
    with r.pipeline() as pipe:
        pipe.incr("a")
        pipe.incr("b")
        assert raises(pipe.execute)
    assert direct.mget("a", "b") == ["1", "1"]


def test_a_lost_reply_of_a_script(proxy, r, direct):
    add = r.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    assert add(keys=["n"], args=[1]) == 1
    proxy.lose_reply("EVALSHA")
    assert raises(lambda: add(keys=["n"], args=[1]))
    assert direct.get("n") == "2"


def test_a_large_reply_is_lost_as_a_whole(proxy, r, direct):
    direct.set("big", "x" * 1_000_000)
    proxy.lose_reply("GET")
    assert raises(r.get, "big") and proxy.lost == 1
    assert len(r.get("big")) == 1_000_000


def test_what_the_server_pushes_is_no_reply(proxy, direct):
    """With RESP3 it may send an invalidation while a command waits for its reply."""
    direct.set("cached", 1)
    connection = redis.Redis.from_url(proxy.url, protocol=3).connection_pool.get_connection()
    for command in (("CLIENT", "TRACKING", "ON"), ("GET", "cached")):
        connection.send_command(*command)
        connection.read_response()
    proxy.lose_reply("BLPOP")
    connection.send_command("BLPOP", "q", 0)
    until(lambda: direct.info("clients")["blocked_clients"] == 1)
    direct.set("cached", 2)
    until(lambda: not direct.info("clients")["tracking_clients"] or direct.get("cached") == "2")
    assert proxy.lost == 0
    direct.rpush("q", "item")
    with pytest.raises(redis.ConnectionError):
        connection.read_response()
    connection.disconnect()
    assert direct.llen("q") == 0 and proxy.lost == 1


def test_no_reply_is_lost_where_one_has_subscribed(proxy, r, direct):
    proxy.lose_replies(share=1, seed=1, command="PING")
    hearing = r.pubsub(ignore_subscribe_messages=True)
    hearing.subscribe("a", "b")
    until(lambda: direct.pubsub_numsub("b")[0][1] == 1)
    hearing.ping()
    direct.publish("b", "hello")
    heard = []
    until(lambda: heard.append((hearing.get_message(timeout=0.1) or {}).get("data")) or "hello" in heard)
    assert proxy.lost == 0
    hearing.close()


def test_a_share_of_the_replies_is_lost_by_seed(broker, direct):
    def run(seed: int) -> list[bool]:
        with Proxy(broker.url) as proxy:
            proxy.lose_replies(share=0.25, seed=seed, command="LPUSH")
            client = redis.Redis.from_url(proxy.url)
            lost = [raises(client.lpush, "q", 1) for _ in range(200)]
            assert proxy.lost == sum(lost)
            client.close()
            return lost

    first = run(1)
    assert direct.llen("q") == 200  # all of them took effect
    assert 25 <= sum(first) <= 75
    assert first == run(1) != run(2)


def test_retries_after_a_lost_reply_duplicate(proxy, direct):
    """Why it matters: a client that retries by itself adds the message twice."""
    retrying = redis.Redis.from_url(
        proxy.url, retry=redis.retry.Retry(redis.backoff.NoBackoff(), 3), retry_on_error=[redis.ConnectionError]
    )
    proxy.lose_reply("XADD")
    retrying.xadd("s", {"order": 1})
    retrying.close()
    assert direct.xlen("s") == 2


def test_cut_ends_connections_but_takes_new_ones(proxy, r, direct):
    connection = r.connection_pool.get_connection()
    proxy.cut()
    with pytest.raises(redis.ConnectionError):
        connection.send_command("PING")
        connection.read_response()
    r.connection_pool.release(connection)
    assert r.ping()
    proxy.cut()
    assert r.ping()  # redis-py looks at an idle connection before it uses it


def test_cut_reaches_a_client_that_waits(proxy, r, direct):
    failed = threading.Event()
    waiting = threading.Thread(target=lambda: raises(r.blpop, "nothing") and failed.set())
    waiting.start()
    until(lambda: direct.info("clients")["blocked_clients"] == 1)
    proxy.cut()
    waiting.join(5)
    assert failed.is_set()
    until(lambda: direct.info("clients")["blocked_clients"] == 0)  # the broker noticed too


def test_refuse_and_heal(proxy, r):
    assert r.ping()
    proxy.refuse()
    assert r.ping()  # a connection that is there goes on
    proxy.cut()
    assert raises(r.ping) and raises(r.ping)
    proxy.refuse()  # twice is no matter
    proxy.heal()
    proxy.heal()
    assert r.ping()


def test_heal_forgets_planned_losses(proxy, r):
    proxy.lose_replies(share=1, seed=1)
    assert raises(r.set, "a", 1)
    proxy.heal()
    assert not raises(r.set, "a", 2)


def test_a_broker_that_dies_and_comes_back(broker, proxy, r):
    assert r.ping()
    broker.kill()
    assert raises(r.ping) and raises(r.ping)
    broker.restart()
    assert r.ping()


def test_close_ends_everything(broker):
    proxy = Proxy(broker.url)
    client = redis.Redis.from_url(proxy.url)
    client.ping()
    before = threading.active_count()
    proxy.close()
    proxy.close()
    assert threading.active_count() == before - 1
    assert raises(client.ping) and raises(client.ping)


def test_it_keeps_the_password_to_itself(proxy, broker):
    assert broker._process.password in proxy.url and broker._process.password not in repr(proxy)


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")  # the child does next to nothing
def test_a_forked_child_does_not_hold_the_connections(proxy, r):
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    assert r.ping()
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        os.close(write_end)
        os.read(read_end, 1)  # until the parent is done
        proxy.close()
        try:
            proxy.cut()
        except RuntimeError:
            os._exit(0)
        os._exit(1)
    try:
        proxy.refuse()
        proxy.cut()
        assert raises(r.ping) and raises(r.ping)
        proxy.heal()
        assert r.ping()
    finally:
        os.close(write_end)
        os.close(read_end)
        assert os.waitpid(child, 0)[1] == 0
    assert r.ping()


def test_an_address_it_cannot_take():
    for url in ("localhost:6379", "http://localhost"):
        with pytest.raises(ValueError, match="takes a redis://, rediss:// or unix:// URL"):
            Proxy(url)


@pytest.mark.parametrize("kind", ["password", "acl_user", "unix_socket", "tls"])
def test_servers_of_others_are_reached_as_their_url_says(kind):
    with servers.SERVERS[kind]() as environment, Proxy(environment["REDIS_URL"]) as proxy:
        theirs = redis.Redis.from_url(environment["REDIS_URL"], decode_responses=True)
        r = redis.Redis.from_url(proxy.url, decode_responses=True)
        proxy.lose_reply("INCRBY")
        with pytest.raises(redis.ConnectionError):
            r.incr("anna:n")
        assert r.incr("anna:n") == 2 and theirs.get("anna:n") == "2" and proxy.lost == 1


# ---------------------------------------------------------------- messages and clocks


def test_duplicated():
    messages = list(range(1000))
    result = duplicated(messages, 0.2, random.Random(1))
    assert sorted(set(result)) == messages and 1150 < len(result) < 1250
    assert result == sorted(result)  # each right behind its original
    assert result == duplicated(iter(messages), 0.2, random.Random(1))
    assert duplicated(messages, 0, random.Random(1)) == messages
    assert len(duplicated(messages, 1, random.Random(1))) == 2000


def test_reordered():
    messages = list(range(1000))
    for window in (1, 3, 10):
        result = reordered(messages, window, random.Random(1))
        assert sorted(result) == messages
        assert 0 < max(abs(place - message) for place, message in enumerate(result)) <= window
    assert reordered(messages, 0, random.Random(1)) == messages
    assert reordered([{"a": 1}, {"a": 2}], 5, random.Random(2))  # need not be comparable
    with pytest.raises(ValueError, match="window"):
        reordered(messages, -1, random.Random(1))


def test_skewed_clock():
    true = FakeClock(100)
    skewed = SkewedClock(offset=5, rate=2, clock=true.now)
    assert skewed() == 105
    true.sleep(10)
    assert skewed() == 125
    assert abs(SkewedClock()() - time.time()) < 1


def test_fake_clock():
    clock = FakeClock()
    start = time.monotonic()
    clock.sleep(3600)
    clock.sleep(0)
    assert clock.now() == 3600 and time.monotonic() - start < 60
    with pytest.raises(ValueError):
        clock.sleep(-1)
