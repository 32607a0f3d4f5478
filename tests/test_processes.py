"""Workers: real processes from code a lesson shows, watched, broken and ended."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from mqlab.broker import Broker
from mqlab.processes import Worker, WorkerError, Workers
from mqlab.program import program
from tests.kernels import gone, until

OUTSIDE = 1


def echo(*values):
    import json

    print("ready")
    print(json.dumps(values))


def square(n):
    return n * n


def tell_square(n):
    print(json.dumps([square(n)]), flush=True)


def forever():
    import time

    print("ready")
    while True:
        time.sleep(0.01)


def counter():
    import time

    n = 0
    while True:
        n += 1
        print("count", n)
        time.sleep(0.002)


def deaf():
    import signal
    import time

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("ready")
    while True:
        time.sleep(0.01)


def polite(code: int):
    import signal
    import sys
    import time

    signal.signal(signal.SIGTERM, lambda *_: (print("asked"), sys.exit(code)))
    print("ready")
    while True:
        time.sleep(0.01)


def parent():
    import subprocess
    import sys
    import time

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print("child", child.pid)
    time.sleep(60)


def litterer():
    import tempfile
    import time

    print("made", tempfile.mkdtemp())
    time.sleep(60)


def leaver():
    import subprocess
    import sys

    print("child", subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid)


def fails():
    print("before")
    raise ValueError("no stock")


async def waits(seconds: float):
    import asyncio

    await asyncio.sleep(seconds)
    print("slept")


def annotated(r: Broker, n: "Worker" = 3) -> Path:
    print(r, n)


def uses_outside():
    print(OUTSIDE)


def uses_a_name_of_its_own():
    global made

    def inner():
        return made + len("x")

    class Counts:
        step = 1
        twice = step * 2

    made = Counts.twice
    print(inner())


def recursive(n: int):
    print(n)
    if n:
        recursive(n - 1)


def consumer(url: str, queue: str):
    import redis

    r = redis.Redis.from_url(url, decode_responses=True)
    print("ready")
    while item := r.blpop(queue):
        print("got", item[1])


# ---------------------------------------------------------------- what it runs


def test_arguments_arrive_as_they_are():
    values = ["grüezi\n'\"\\", 1, 1.5, True, None, [1, [2]], {"a": {"b": []}}]
    with Worker(echo, *values) as worker:
        assert worker.wait() == 0
        assert json.loads(worker.output().splitlines()[1]) == values


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (object(), "argument 2 of a worker is of type object"),
        ((1, 2), "argument 2 of a worker is of type tuple"),
        (b"x", "argument 2 of a worker is of type bytes"),
        (float("inf"), "argument 2 of a worker is of type float"),
        ({"a": [1, {2}]}, "argument 2['a'][1] of a worker is of type set"),
        ({1: 2}, "argument 2 of a worker is of type dict"),
    ],
)
def test_other_arguments_are_refused(value, said):
    with pytest.raises(TypeError) as caught:
        Worker(echo, "fine", value)
    assert str(caught.value).startswith(said) and "JSON values only" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_worker_and_the_broker():
    with Broker.start(private=True) as broker, Worker(consumer, broker.url, "orders") as worker:
        worker.wait_for("^ready$")
        broker.client().rpush("orders", "tea", "milk")
        assert worker.wait_for(r"got (m\w+)")[1] == "milk"
        assert broker._process.password not in repr(worker) + " ".join(psutil.Process(worker.pid).cmdline())
        assert Path(worker._directory).stat().st_mode & 0o077 == 0


def test_a_coroutine_function_runs():
    with Worker(waits, 0.01) as worker:
        assert worker.wait_for("slept")


def test_annotations_may_name_what_only_the_notebook_knows():
    with Worker(annotated, "r") as worker:
        assert worker.wait_for("r 3")


def test_a_function_may_have_global_names_of_its_own():
    with Worker(uses_a_name_of_its_own) as worker:
        assert worker.wait_for("^3$")


def test_a_function_may_call_itself():
    with Worker(recursive, 2) as worker:
        worker.wait()
        assert worker.output() == "2\n1\n0\n"


def test_an_indented_function():
    def inside(word: str):
        print("inside", word)

    with Worker(inside, "a test") as worker:
        assert worker.wait_for("inside a test")


def test_a_worker_named_like_a_library_does_not_hide_it():
    def redis():
        import redis

        print(redis.Redis.__name__)

    with Worker(redis) as worker:
        assert worker.wait_for("^Redis$")


def test_shared_functions_and_modules_come_along():
    with Worker(tell_square, 7, share=[json, square]) as worker:
        assert json.loads(worker.wait_for(r"\[.*\]")[0]) == [49]
    with Workers(2, tell_square, 3, share=[json, square]) as crew:
        assert [match[0] for match in crew.wait_for(r"\[9\]")] == ["[9]"] * 2


def test_what_a_shared_function_lacks_is_said():
    with pytest.raises(WorkerError, match="tell_square uses `json` from outside itself"):
        program(tell_square, (7,), share=[square])
    with pytest.raises(WorkerError, match="no function made by `def`"):
        program(tell_square, (7,), share=[json, square, 7])


def test_what_cannot_stand_alone_is_refused():
    secret = 1

    def closure():
        print(secret)

    @pytest.mark.network
    def decorated():
        pass

    def default(n=OUTSIDE):
        pass

    namespace = {}
    exec("def no_source(): pass", namespace)
    pass_as = "Import or define it inside the function, share it, or pass it as an argument."
    for function, *said in [
        (closure, "closure uses `secret` from outside itself", pass_as),
        (uses_outside, "uses_outside uses `OUTSIDE` from outside itself", pass_as),
        (decorated, "decorated uses `pytest` from outside itself"),
        (default, "default uses `OUTSIDE` from outside itself"),
        (lambda: None, "<lambda> is no function made by `def`"),
        (print, "print is no function made by `def`"),
        (Worker, "Worker is no function made by `def`"),
        (namespace["no_source"], "The source of no_source cannot be found."),
    ]:
        with pytest.raises(WorkerError) as caught:
            Worker(function)
        assert "\n" not in str(caught.value)
        for words in said:
            assert words in str(caught.value)


def test_the_program_can_be_read():
    assert program(recursive, (1,)) == textwrap.dedent(
        """\
        from __future__ import annotations


        def recursive(n: int):
            print(n)
            if n:
                recursive(n - 1)


        if __name__ == "__main__":
            recursive(1)
        """
    )


def test_in_a_notebook_cell_and_one_line_when_it_fails(tmp_path):
    code = """
from mqlab.processes import Worker
def hello(name):
    print("hello", name)
with Worker(hello, "cell") as worker:
    print(worker.wait_for("hello .*")[0])
    worker.wait_for("goodbye")
"""
    run = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=NoColor", "-c", code],
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = (run.stdout + run.stderr).splitlines()
    assert said == [
        "hello cell",
        "WorkerError: hello ended with code 0 before it printed 'goodbye'; it last wrote: hello cell",
    ]


# ---------------------------------------------------------------- watching


def test_it_says_that_it_is_alive_and_how_it_ended():
    with Worker(forever) as worker:
        worker.wait_for("ready")
        assert worker.alive and worker.returncode is None and not gone(worker.pid)
        assert repr(worker) == "<Worker forever runs>"
        assert worker.kill() == worker.returncode == -signal.SIGKILL
        assert not worker.alive and gone(worker.pid)
        assert repr(worker) == "<Worker forever ended with code -9>"
        assert worker.kill() == worker.stop() == -9


def test_a_traceback_has_the_real_lines_and_is_kept():
    with Worker(fails) as worker:
        assert worker.wait() == 1
        assert worker.output() == "before\n"
        assert f'{worker._directory}/fails.py", line 6, in fails' in worker.errors()
        assert 'raise ValueError("no stock")' in worker.errors()
    assert worker.errors().endswith("ValueError: no stock\n") and worker.output() == "before\n"


def test_wait_for_says_why_it_was_in_vain():
    with Worker(fails) as worker, pytest.raises(WorkerError) as caught:
        worker.wait_for("ready")
    assert str(caught.value).startswith("fails ended with code 1 before it printed 'ready'; it last wrote: ")
    assert str(caught.value).endswith("ValueError: no stock") and "\n" not in str(caught.value)
    with Worker(forever) as worker:
        worker.wait_for("ready")
        with pytest.raises(WorkerError, match="forever did not print 'done' within 0.05 s; it last wrote: ready"):
            worker.wait_for("done", timeout=0.05)
        with pytest.raises(WorkerError, match="forever still runs after 0.05 s"):
            worker.wait(timeout=0.05)


def test_what_it_printed_last_is_not_missed():
    with Worker(echo, "last words") as worker:
        until(lambda: gone(worker.pid))
        assert worker.wait_for("last words")


def test_much_output_does_not_hold_it_up():
    def talker():
        for n in range(20_000):
            print("line", n)
        print("done")

    with Worker(talker) as worker:
        worker.wait_for("^done$")
        assert worker.output().count("\n") == 20_001


# ---------------------------------------------------------------- faults and the end


def test_pause_and_resume():
    with Worker(counter) as worker:
        worker.wait_for("count 3")
        worker.pause()
        until(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED)
        assert worker.alive
        before = worker.output()
        time.sleep(0.05)  # it would count on
        assert worker.output() == before
        worker.resume()
        until(lambda: len(worker.output()) > len(before))
        worker.pause()
        assert worker.kill() == -9  # a paused one too


def test_a_dead_one_cannot_be_paused():
    with Worker(fails) as worker:
        worker.wait()
        with pytest.raises(WorkerError, match="fails ended with code 1, so it cannot be paused; .*no stock"):
            worker.pause()


def test_stop_asks_first():
    with Worker(polite, 7) as worker:
        worker.wait_for("ready")
        assert worker.stop() == 7
        assert "asked" in worker.output()
    with Worker(polite, 8) as worker:
        worker.wait_for("ready")
        worker.pause()
        assert worker.stop() == 8  # a paused one too


def test_stop_says_when_it_had_to_kill(capsys):
    with Worker(deaf) as worker:
        worker.wait_for("ready")
        assert worker.stop(timeout=0.05) == -9
    said = capsys.readouterr().out
    assert said == "deaf did not end within 0.05 s of SIGTERM, so it was killed with SIGKILL.\n"


@pytest.mark.parametrize("function", [parent, leaver])
def test_what_it_started_ends_with_it(function):
    with Worker(function) as worker:
        child = int(worker.wait_for("child (.+)")[1])
        assert not gone(child) if function is parent else worker.wait() == 0
    until(lambda: gone(child))


def test_nothing_is_left_after_the_block():
    with pytest.raises(KeyError), Worker(forever) as worker:
        raise KeyError
    assert gone(worker.pid) and not Path(worker._directory).exists()
    worker.close()


def test_temporary_files_of_a_killed_one_are_gone():
    with Worker(litterer) as worker:
        litter = Path(worker.wait_for("made (.+)")[1])
        assert worker.kill() == -9 and litter.is_dir()
    assert not litter.exists()


def test_a_crew():
    with Workers(3, polite, 5) as crew:
        assert len(crew.wait_for("ready")) == len(crew) == 3
        assert len({worker.pid for worker in crew}) == 3
        assert crew[0].kill() == -9 and crew[1].alive
        assert crew.stop() == [-9, 5, 5]
        assert [worker.output().count("asked") for worker in crew] == [0, 1, 1]
    with Workers(2, forever) as crew:
        crew[:1][0].wait_for("ready")
    assert all(gone(worker.pid) for worker in crew)


def test_starting_costs_little_more_than_the_interpreter():
    def bare() -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", ""], check=True)
        return time.perf_counter() - start

    def ours() -> float:
        start = time.perf_counter()
        with Worker(echo) as worker:
            worker.wait_for("ready")
        return time.perf_counter() - start

    assert min(ours() for _ in range(5)) < min(bare() for _ in range(5)) + 0.1
