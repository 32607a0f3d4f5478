"""Nothing outlives its kernel, however that ends, and nothing ends before it."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from mqlab import reaper
from mqlab.broker import Broker
from tests.kernels import Kernel, gone, until

START = """
from mqlab.broker import Broker
from mqlab.processes import Worker
def sleeper():
    import subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print("child", child.pid)
    time.sleep(60)
broker = Broker.start()
workers = [Worker(sleeper), Worker(sleeper)]
children = [int(worker.wait_for(r"child (.+)")[1]) for worker in workers]
workers[1].pause()
def everything():
    return {
        "pids": [broker.pid, *children, *(worker.pid for worker in workers)],
        "directories": [broker._process.directory, *(worker._directory for worker in workers)],
    }
"""


def all_gone(what: dict) -> bool:
    return all(map(gone, what["pids"])) and not any(map(os.path.exists, what["directories"]))


def some_gone(what: dict) -> bool:
    return any(map(gone, what["pids"])) or not all(map(os.path.exists, what["directories"]))


def test_all_gone_soon_after_the_kernel_is_killed():
    with Kernel(START + "tell(everything()); time.sleep(60)") as kernel:
        what = kernel.hear()
        assert not some_gone(what)
        kernel.kill()
        assert until(lambda: all_gone(what)) < 2


def test_a_paused_server_too():
    with Kernel(START + "broker.pause(); tell(everything()); time.sleep(60)") as kernel:
        what = kernel.hear()
        kernel.kill()
        assert until(lambda: all_gone(what)) < 2


@pytest.mark.parametrize("end", ["", "sys.exit(3)", "1/0", "os._exit(0)", "broker.close()"])
def test_all_gone_after_an_ordinary_end(end):
    with Kernel(START + f"tell(everything())\nsys.stderr = open(os.devnull, 'w')\n{end}") as kernel:
        what = kernel.hear()
        kernel.process.wait(10)
        assert until(lambda: all_gone(what)) < 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
class TestForkedChildren:
    def test_they_do_not_keep_anything_alive(self):
        code = "child = os.fork()\nif child: tell([child, everything()])\ntime.sleep(60)"
        with Kernel(START + code) as kernel:
            child, what = kernel.hear()
            try:
                kernel.kill()
                assert until(lambda: all_gone(what)) < 2
                assert not gone(child)
            finally:
                os.kill(child, signal.SIGKILL)

    @pytest.mark.parametrize(
        ("end", "code"),
        [("sys.exit(0)", 0), ("1/0", 1), ("os._exit(0)", 0), ("broker.close(); workers[0].close()", 0)],
    )
    def test_their_end_ends_nothing(self, end, code):
        program = f"""
child = os.fork()
if not child:
    sys.stderr = open(os.devnull, 'w')
    {end}
    sys.exit(0)
_, status = os.waitpid(child, 0)
tell([os.waitstatus_to_exitcode(status), everything()])
broker.client().set("still", "there")
tell(broker.client().get("still"))
time.sleep(60)
"""
        with Kernel(START + program) as kernel:
            ended, what = kernel.hear()
            assert ended == code
            assert kernel.hear() == "there"
            assert not some_gone(what)

    def test_a_server_of_their_own_ends_with_them(self):
        code = """
child = os.fork()
if not child:
    own = Broker.start()
    tell(own.pid)
    time.sleep(60)
tell(child)
time.sleep(60)
"""
        with Kernel(START + code) as kernel:
            pids = {kernel.hear(), kernel.hear()}
            child = next(pid for pid in pids if psutil.Process(pid).ppid() == kernel.process.pid)
            (server,) = pids - {child}
            os.kill(child, signal.SIGKILL)
            assert until(lambda: gone(server)) < 2


def test_an_interrupt_of_the_kernel_ends_nothing():
    code = """
signal.signal(signal.SIGINT, signal.default_int_handler)   # a shell's background jobs ignore it
try:
    os.killpg(0, signal.SIGINT)   # as Jupyter's interrupt and a Ctrl-C do
    time.sleep(10)
except KeyboardInterrupt:
    tell(everything())
tell(broker.client().ping())
os.kill(os.getpid(), signal.SIGKILL)
"""
    with Kernel(START + code) as kernel:
        what = kernel.hear()
        assert kernel.hear() is True
        kernel.process.wait(10)
        assert until(lambda: all_gone(what)) < 2


def test_keys_on_a_shared_server_go_with_the_kernel(broker):
    code = """
from mqlab.broker import Broker
mine = Broker.start()
r = mine.client()
for n in range(1200):
    r.set(mine.key(str(n)), n)
tell(mine.prefix)
time.sleep(60)
"""
    r = broker.client()
    r.set("not ours", "kept")
    with Kernel(code, REDIS_URL=broker.url) as kernel:
        prefix = kernel.hear()
        assert len(r.keys(prefix + "*")) == 1200
        kernel.kill()
        until(lambda: r.keys("*") == ["not ours"])


def test_a_killed_reaper_is_replaced(tmp_path):
    code = """
import tempfile
from mqlab import reaper
directories = [tempfile.mkdtemp() for _ in range(3)]
reaper.register("directory", directories[0])
reaper._process.kill()
reaper._process.wait()
reaper.register("directory", directories[1])
reaper.register("directory", directories[2])
reaper.unregister("directory", directories[2])
tell(directories)
time.sleep(60)
"""
    with Kernel(code, TMPDIR=str(tmp_path)) as kernel:
        *registered, kept = map(Path, kernel.hear())
        kernel.kill()
        until(lambda: not any(directory.exists() for directory in registered))
        assert kept.exists()


def test_unlink_keys_takes_the_prefix_literally(broker):
    r = broker.client()
    prefix = "a*[b]?\\{c}:"
    r.mset({prefix + "1": 1, prefix + "2": 2, "aXb?\\{c}:1": 3, "ab[b]x\\{c}:1": 4})
    reaper.unlink_keys(r, prefix)
    assert sorted(r.keys("*")) == ["aXb?\\{c}:1", "ab[b]x\\{c}:1"]


@pytest.fixture
def broker():
    with Broker.start(private=True) as broker:
        yield broker
