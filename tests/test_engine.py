"""The engine's verdicts, and that no answer, however hostile, harms the process that asks."""

import contextlib
import gc
import linecache
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
from jupyter_client.manager import start_new_kernel

from mqlab.broker import BrokerError
from mqlab.checks import engine, lab_checks
from mqlab.checks.engine import CheckFailed, Lab, NotYet, number, run_check
from mqlab.checks.sweeps import interleave, values
from mqlab.checks.trace import Trace

CELL = "<cell of the learner>"


def answer(source, name="answer"):
    """What a notebook cell with this source defines as `name`."""
    linecache.cache[CELL] = (len(source), None, source.splitlines(keepends=True), CELL)
    names = {"__name__": "__main__"}
    exec(compile(source, CELL, "exec"), names)
    return names[name]


def lab_with(body, **options):
    lab = Lab("99-test")
    body.__name__ = "answer"
    lab.task(**{"limit": 5, **options})(body)
    return lab


def one(fn, bench):
    """The check that most tests use: the answer gets a client and returns 1."""
    got = number(fn(bench.r), "the result")
    if got != 1:
        raise NotYet("not-one", f"returned {got:g}.", "It returns 1.", "One is what was asked for.")


def result_of(source, body=one, name="answer", **options):
    lab = lab_with(body, **options)
    result = run_check(lab, "answer", answer(source, name))
    assert max(map(len, result.text.splitlines())) < 100
    assert "/tmp/" not in result.text and "Traceback" not in result.text
    return result


@pytest.fixture(autouse=True)
def nothing_left_behind():
    yield
    deadline = time.monotonic() + 5
    while children() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not children()


def children():
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if not any(word.endswith("reaper.py") for word in child.cmdline()):
                found.append(child)
    return found


# ---------------------------------------------------------------- the three outcomes


def test_passed_says_what_was_tried():
    result = result_of("def answer(r): return 1", lambda fn, bench: "1,214 cases")
    assert (result.outcome, result.code, result.text) == ("passed", "", "answer: passed (1,214 cases)")


def test_passed_without_a_remark():
    assert result_of("def answer(r): return r.incr('n')").text == "answer: passed"


def test_not_attempted():
    result = result_of('def answer(r):\n    """Doc."""\n    raise NotImplementedError')
    assert (result.outcome, result.code) == ("not attempted", "not-attempted")
    assert result.text == ("answer: not attempted. Write the function above, run its cell, then run this one.")


def test_not_attempted_inside_a_sweep():
    def sweep(fn, bench):
        interleave(bench, lambda r: None, [fn, fn], lambda r, results: None)

    assert result_of("def answer(r):\n    r.ping()\n    raise NotImplementedError", sweep).outcome == "not attempted"


def test_not_attempted_also_when_the_check_takes_exceptions_for_results():
    def forgiving(fn, bench):
        try:
            fn(bench.r)
        except Exception:
            pass

    assert result_of("def answer(r): raise NotImplementedError", forgiving).outcome == "not attempted"


def test_a_method_that_is_still_a_stub_is_named():
    source = "class answer:\n    def push(self): return 1\n    def pop(self): raise NotImplementedError('todo')"
    result = result_of(source, lambda cls, bench: [cls().push(), cls().pop()])
    assert result.outcome == "not attempted" and "(pop still raises NotImplementedError)" in result.text


def test_not_yet_says_what_was_done_what_was_expected_and_why():
    trace = Trace()
    trace.add("caller A", "LLEN q", 9)

    def body(fn, bench):
        raise NotYet("overshoots-bound", "did this.", "That " + "is expected " * 20, "Because.", trace)

    result = result_of("def answer(r): print('mine')\n", body, hints=["a", "b"])
    assert (result.outcome, result.code) == ("not yet", "overshoots-bound")
    lines = result.text.splitlines()
    assert lines[0] == "answer: not yet"
    assert lines[1] == "  Your code   did this."
    assert lines[2].startswith("  Expected    That is expected") and lines[3].startswith(" " * 14 + "expected is")
    assert "  Why         Because." in lines and "   1 caller A   LLEN q  → 9" in lines
    assert lines[-1] == "  Next        hint(answer) gives hint 1 of 2."


def test_output_of_the_answer_is_shown_with_not_yet_and_cut():
    result = result_of("def answer(r):\n    for i in range(100000): print('line', i)\n    return 2")
    assert "  It printed" in result.text and "    line 0" in result.text
    assert len(result.text.splitlines()) < 35 and "more lines" in result.text


def test_a_sweep_tells_the_shortest_schedule():
    def sweep(fn, bench):
        def bound(r, results):
            if r.llen("q") > 1:
                raise NotYet("overshoots", "put two orders where one fits.")

        interleave(bench, lambda r: None, [fn, fn], bound)

    result = result_of("def answer(r):\n    if not r.llen('q'): r.rpush('q', 'x')", sweep)
    assert result.code == "overshoots" and "   4 caller A   RPUSH q x  → 2" in result.text


# ---------------------------------------------------------------- strict mode, hints, unknown names


@pytest.mark.parametrize(("source", "code"), [
    ("def answer(r): return 2", "not-one"), ("def answer(r): raise NotImplementedError", "not-attempted"),
])
def test_strict_mode_raises_the_same_text(monkeypatch, capsys, source, code):
    lab, fn = lab_with(one), answer(source)
    monkeypatch.delenv("MQLAB_STRICT", raising=False)
    assert lab.check(fn) is None
    printed = capsys.readouterr().out
    monkeypatch.setenv("MQLAB_STRICT", "1")
    with pytest.raises(CheckFailed) as failure:
        lab.check(fn)
    assert failure.value.code == code and str(failure.value) + "\n" == printed


def test_strict_mode_lets_a_right_answer_pass(monkeypatch, capsys):
    monkeypatch.setenv("MQLAB_STRICT", "1")
    lab_with(one).check(answer("def answer(r): return 1"))
    assert capsys.readouterr().out == "answer: passed\n"


def test_hints_come_one_at_a_time(capsys):
    lab, fn = lab_with(one, hints=["first", "second " * 40]), answer("def answer(r): return 2")
    for _ in range(4):
        lab.hint(fn)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Hint 1 of 2: first"
    assert lines[1].startswith("Hint 2 of 2: second") and max(map(len, lines)) < 100
    assert lines[-2:] == ["There are no more hints for answer."] * 2
    lab.check(fn)
    assert "You have seen all 2 hints" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [3, None, "answer", lambda r: 1, object()])
def test_something_that_is_no_task(capsys, monkeypatch, wrong):
    lab = lab_with(one)
    monkeypatch.delenv("MQLAB_STRICT", raising=False)
    lab.check(wrong)
    lab.hint(wrong)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("check: not checked: it was given") and "check(answer)" in " ".join(lines)
    assert len(lines) <= 4


def test_something_that_cannot_even_be_looked_at(capsys, monkeypatch):
    class Nasty:
        def __getattr__(self, name):
            raise RuntimeError

    monkeypatch.delenv("MQLAB_STRICT", raising=False)
    lab_with(one).check(Nasty())
    assert "not checked" in capsys.readouterr().out


def test_a_lab_without_checks():
    with pytest.raises(LookupError, match="There are no checks for '99-nothing'"):
        lab_checks("99-nothing")


# ---------------------------------------------------------------- whose error is it


def test_an_exception_of_the_learner_is_told_with_the_line():
    source = "def helper(x):\n    return 1 / x\n\ndef answer(r):\n    return helper(0)"
    result = result_of(source)
    assert (result.outcome, result.code) == ("not yet", "raised")
    assert result.text.splitlines()[1:4] == [
        "  Your code   raised ZeroDivisionError: division by zero",
        "              line 5 in answer:  return helper(0)",
        "              line 2 in helper:  return 1 / x",
    ]


def test_an_exception_in_a_sweep_comes_with_the_steps():
    def sweep(fn, bench):
        interleave(bench, lambda r: None, [fn, fn], lambda r, results: values(results))

    result = result_of("def answer(r):\n    if r.incr('n') == 2: raise KeyError('second')", sweep)
    assert result.code == "raised" and "raised KeyError: 'second'" in result.text
    assert "   2 caller B   INCRBY n 1  → 2" in result.text


def test_an_error_of_the_check_is_admitted():
    def broken(fn, bench):
        fn(bench.r)
        return {}["no such case"]

    result = result_of("def answer(r): return 1", broken)
    assert (result.outcome, result.code) == ("not checked", "check-error")
    assert "the check itself failed: KeyError: 'no such case'" in " ".join(result.text.split())
    assert "error of the course, not of yours" in " ".join(result.text.split())


@pytest.mark.parametrize("source", ["def answer(): return 1", "def answer(r, more): return 1",
                                    "def answer(*, r): return 1"])
def test_a_wrong_signature(source):
    result = result_of(source)
    assert result.code == "signature" and "answer() " in result.text


def test_a_wrong_signature_of_a_method():
    result = result_of("class answer:\n    def push(self): pass", lambda cls, bench: cls().push(1))
    assert result.code == "signature" and "answer.push() takes" in result.text


def test_a_type_error_inside_the_answer_is_not_a_wrong_signature():
    assert result_of("def f(): pass\ndef answer(r): f(1)").code == "raised"


@pytest.mark.parametrize(("source", "code"), [
    ("async def answer(r): return 1", "coroutine"),
    ("async def f(): return 1\ndef answer(r): return f()", "coroutine"),
    ("class answer:\n    async def __call__(self): pass", "coroutine"),
    ("def answer(r):\n    yield 1", "generator"),
    ("def answer(r): return (1 for _ in [])", "not-a-number"),
])
def test_coroutines_and_generators(source, code):
    result = result_of(source)
    assert (result.outcome, result.code) == ("not yet", code)
    assert "never awaited" not in result.text


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')", "None", "'1'", "[1]", "True", "1j"])
def test_what_is_no_number(value):
    assert result_of(f"def answer(r): return {value}").code == "not-a-number"


def test_a_broker_that_cannot_be_had_is_one_line(monkeypatch):
    def start(private):
        raise BrokerError("There is no server for this platform. Set REDIS_URL.")

    monkeypatch.setattr(engine.Broker, "start", start)
    result = result_of("def answer(r): return 1")
    assert (result.outcome, result.code) == ("not checked", "no-broker")
    assert result.text.endswith("not checked: there is no broker. There is no server for this platform. Set REDIS_URL.")


def test_a_check_without_broker_starts_none(monkeypatch):
    monkeypatch.setattr(engine.Broker, "start", None)
    assert result_of("def answer(): return 1", lambda fn, bench: str(fn()), broker=False).text == "answer: passed (1)"


def test_a_client_of_a_broker_that_is_down():
    source = "import redis\ndef answer(r):\n    try: r.ping()\n    except redis.ConnectionError: return 1"
    assert result_of(source, lambda fn, bench: one(lambda _: fn(bench.unreachable()), bench)).outcome == "passed"


def test_the_check_may_kill_a_broker_of_its_own():
    def body(fn, bench):
        with bench.broker.expendable() as victim:
            fn(victim.client())
            victim.kill()
            victim.restart()
            assert victim.client().get("n") == "1"

    assert result_of("def answer(r): r.incr('n')", body).outcome == "passed"


def test_the_generator_has_the_same_seed_every_time():
    def body(fn, bench):
        return f"{bench.rng.random():.6f}"

    assert len({result_of("def answer(r): return 1", body).text for _ in range(2)}) == 1


# ---------------------------------------------------------------- hostile answers

HOSTILE = {
    "prints a megabyte": ("def answer(r):\n    print('x' * 10**6)\n    return 2", "not-one"),
    "prints through a subprocess": ("import subprocess\ndef answer(r):\n"
                                    "    subprocess.run('head -c 3000000 /dev/zero', shell=True)\n    return 2",
                                    "not-one"),
    "prints escape sequences": ("def answer(r):\n    print('\\x1b[31mred\\x07\\udc80')\n    return 2", "not-one"),
    "calls sys.exit": ("import sys\ndef answer(r): sys.exit(3)", "exit"),
    "calls os._exit": ("import os\ndef answer(r): os._exit(0)", "exit"),
    "kills itself": ("import os, signal\ndef answer(r): os.kill(os.getpid(), signal.SIGKILL)", "died"),
    "segfaults": ("import ctypes\ndef answer(r): ctypes.string_at(0)", "died"),
    "aborts": ("import os\ndef answer(r): os.abort()", "died"),
    "raises BaseException": ("def answer(r): raise BaseException('mine')", "raised"),
    "raises KeyboardInterrupt": ("def answer(r): raise KeyboardInterrupt", "raised"),
    "raises GeneratorExit": ("def answer(r): raise GeneratorExit", "raised"),
    "raises what cannot be shown": ("class E(Exception):\n    def __str__(self): raise ValueError\n"
                                    "def answer(r): raise E", "raised"),
    "raises a novel": ("def answer(r): raise ValueError('long ' * 10**5)", "raised"),
    "recurses": ("def answer(r): return answer(r)", "raised"),
    "allocates without end": ("def answer(r):\n    x = []\n    while True: x.append(bytes(10**6))", "memory-limit"),
    "allocates at once": ("def answer(r): return len(' ' * 10**11)", "memory-limit"),
    "shuts the broker down": ("def answer(r):\n    r.shutdown(nosave=True)\n    return r.incr('n')", "broker-ended"),
    "kills the broker": ("import os\ndef answer(r):\n    os.kill(r.info('server')['process_id'], 9)\n"
                         "    return r.incr('n')", "broker-ended"),
    "patches the client": ("import redis\ndef answer(r):\n    redis.Redis.get = None\n    return 1", "patched-client"),
    "replaces sys.stdout": ("import sys\ndef answer(r):\n    sys.stdout = None\n    return 2", "not-one"),
    "closes sys.stdout": ("import sys\ndef answer(r):\n    sys.stdout.close()\n    sys.stderr.close()\n    return 2",
                          "not-one"),
    "closes everything": ("import os\ndef answer(r):\n    os.closerange(0, 1000)\n    return 2", "exit"),
    "asks for input": ("def answer(r): return int(input('number? '))", "raised"),
    "reads standard input": ("import sys\ndef answer(r): return sys.stdin.read() == '' and 2", "not-one"),
    "forks and returns twice": ("import os\ndef answer(r):\n    os.fork()\n    return 2", "not-one"),
    "leaves a thread": ("import threading, time\ndef answer(r):\n"
                        "    threading.Thread(target=time.sleep, args=(100,)).start()\n    return 2", "not-one"),
    "leaves a process": ("import subprocess\ndef answer(r):\n    subprocess.Popen(['sleep', '100'])\n    return 2",
                         "not-one"),
    "changes directory and environment": ("import os\ndef answer(r):\n    os.chdir('/')\n    os.environ.clear()\n"
                                          "    return 2", "not-one"),
    "stops the garbage collector and the hooks": ("import gc, sys\ndef answer(r):\n    gc.disable()\n"
                                                  "    sys.excepthook = sys.settrace = None\n    return 2", "not-one"),
    "replaces time.sleep": ("import json, time\ndef answer(r):\n    time.sleep = None\n    return 2", "not-one"),
    "raises the engine's own exception": ("from mqlab.checks.engine import NotYet\n"
                                          "def answer(r): raise NotYet('x', 'y')", "x"),
    "cuts all connections": ("def answer(r):\n    r.client_kill_filter(_type='normal', skipme=False)\n    return 2",
                             None),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_answers_end_in_one_verdict(case, capfd):
    source, code = HOSTILE[case]

    def body(fn, bench):
        one(fn, bench)
        bench.r.get("something")  # what a check would look at afterwards

    before = dict(os.environ), os.getcwd(), sys.stdout, signal.getsignal(signal.SIGINT)
    result = result_of(source, body)
    if code is not None:
        assert result.code == code
    assert result.outcome == "not yet"
    assert result.text.isascii() or "\x1b" not in result.text
    if case == "segfaults":
        assert "line 2 in answer:  def answer(r): ctypes.string_at(0)" in result.text
    assert capfd.readouterr() == ("", "")
    assert (dict(os.environ), os.getcwd(), sys.stdout, signal.getsignal(signal.SIGINT)) == before
    assert result_of("def answer(r): return 1").outcome == "passed"  # the next check works


SLOW = {
    "loops for ever": ("def answer(r):\n    while True:\n        pass",
                       "line 3 in answer:  pass|line 2 in answer:  while True:"),
    "swallows everything": ("def answer(r):\n    while True:\n        try:\n            while True: pass\n"
                            "        except BaseException: pass", "in answer"),
    "ignores signals": ("import signal\ndef answer(r):\n    for n in (2, 15): signal.signal(n, signal.SIG_IGN)\n"
                        "    while True: r.ping()", "it went on sending commands to the broker, such as PING"),
    "waits for the broker": ("def answer(r): return r.blpop('kiosk:orders:q', 0)", "reply to BLPOP kiosk:orders:q 0"),
    "waits for a lock": ("import threading\ndef answer(r):\n    lock = threading.Lock()\n    lock.acquire()\n"
                         "    lock.acquire()", "line 5 in answer:  lock.acquire()"),
    "computes in C": ("def answer(r): return 7 ** 10 ** 8", "line 1 in answer"),
    "waits in a thread": ("import threading\ndef wait(): threading.Event().wait()\ndef answer(r):\n"
                          "    t = threading.Thread(target=wait)\n    t.start()\n    t.join()", "in answer|in wait"),
    "pauses the broker": ("import os, signal\ndef answer(r):\n"
                          "    os.kill(r.info('server')['process_id'], signal.SIGSTOP)\n    r.get('x')",
                          "reply to GET x"),
    "stops itself": ("import os, signal\ndef answer(r): os.kill(os.getpid(), signal.SIGSTOP)", ""),
    "bombs with forks": ("import os, time\ndef answer(r):\n    for _ in range(4): os.fork()\n    time.sleep(100)",
                         "in answer"),
    "waits for a process": ("import subprocess\ndef answer(r): subprocess.run(['sleep', '100'])", "in answer"),
}


@pytest.mark.parametrize("case", SLOW)
def test_what_takes_too_long_is_ended_and_located(case):
    source, where = SLOW[case]
    start = time.monotonic()
    result = result_of(source, limit=0.6)
    assert time.monotonic() - start < 5
    assert (result.outcome, result.code) == ("not yet", "time-limit")
    text = " ".join(result.text.split())
    assert any(" ".join(part.split()) in text for part in where.split("|")), result.text
    assert "not done after 0.6 seconds" in text
    assert result_of("def answer(r): return 1").outcome == "passed"


def test_an_endless_loop_in_a_sweep_is_located():
    def sweep(fn, bench):
        interleave(bench, lambda r: None, [fn, fn], lambda r, results: None)

    result = result_of("def answer(r):\n    r.ping()\n    while True:\n        x = 1", sweep, limit=0.6)
    assert result.code == "time-limit" and "in answer" in result.text


def test_an_interrupt_ends_the_check_in_one_line():
    timer = threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    start = time.monotonic()
    result = result_of("def answer(r):\n    while True: pass", limit=60)
    timer.join()
    assert time.monotonic() - start < 10
    assert (result.outcome, result.code) == ("not checked", "interrupted")
    assert len(result.text.splitlines()) == 1


def test_an_endless_check_ends_with_a_kernel_that_is_killed():
    script = ("import os\nfrom mqlab.checks.engine import Lab\nlab = Lab('x')\n@lab.task(limit=600)\n"
              "def answer(fn, bench): fn()\n"
              "def fn():\n    os.write(out, b'%d\\n' % os.getpid())\n    while True: pass\n"
              "out = os.dup(1)\nfn.__name__ = 'answer'\nlab.check(fn)\n")
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}) as kernel:
        child = psutil.Process(int(kernel.stdout.readline()))
        assert child.is_running()
        kernel.kill()
        child.wait(timeout=5)


def test_fork_warnings_of_newer_pythons_do_not_show():
    script = ("import threading, warnings\nwarnings.simplefilter('always')\n"
              "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
              "from mqlab.checks.engine import Lab\nlab = Lab('x')\n"
              "@lab.task()\ndef answer(fn, bench): return fn(bench.r)\n"
              "def fn(r): return r.ping()\nfn.__name__ = 'answer'\nlab.check(fn)\n")
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert (run.stdout, run.stderr) == ("answer: passed (True)\n", "")


def test_in_a_kernel():
    """With the kernel's threads, its streams and its event loop: verdicts, an interrupt, and nothing on stderr."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    manager, client = start_new_kernel(kernel_name="python3", env=environment)
    try:
        def run(source, interrupt_when=None):
            said = []

            def listen(message):
                kind, content = message["header"]["msg_type"], message["content"]
                if kind in ("stream", "error"):
                    said.append(content.get("text") or f"{content['ename']}: {content['evalue']}")
                if interrupt_when and kind == "status" and content["execution_state"] == "busy":
                    timer = threading.Timer(interrupt_when, manager.interrupt_kernel)
                    timer.start()

            client.execute_interactive(source, timeout=30, output_hook=listen)
            return "".join(said)

        run("import warnings; warnings.simplefilter('always')\n"
            "from mqlab.checks.engine import Lab, NotYet\n"
            "lab = Lab('99-test')\n"
            "def body(fn, bench): return fn(bench.r)\n"
            "body.__name__ = 'answer'\n"
            "lab.task(limit=60)(body)")
        right = "def answer(r): return r.incr('n')\nlab.check(answer)"
        assert run(right) == "answer: passed (1)\n"
        run("def helper(r):\n    print('mine')\n    return 1 / 0")
        text = run("def answer(r):\n    return helper(r)\nlab.check(answer)")
        assert "line 2 in answer:  return helper(r)" in text and "line 3 in helper:  return 1 / 0" in text
        assert "    mine" in text
        assert run("def answer(r): raise NotImplementedError\nlab.check(answer)").startswith("answer: not attempted.")
        assert "input() cannot be answered" in run("def answer(r): return input()\nlab.check(answer)")
        assert "(3)" in run("import asyncio\nasync def three(): return 3\n"
                            "def answer(r): return asyncio.run(three())\nlab.check(answer)")
        text = run("def answer(r):\n    while True: pass\nlab.check(answer)", interrupt_when=1)
        assert text == "answer: not checked: you interrupted it. Run this cell again.\n"
        assert run(right) == "answer: passed (1)\n"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_fifty_checks_leak_nothing():
    lab, fn = lab_with(one), answer("def answer(r): return 1")
    run_check(lab, "answer", fn)

    def held():
        gc.collect()
        return len(os.listdir("/dev/fd")), threading.active_count(), len(children())

    before = held()
    assert {run_check(lab, "answer", fn).outcome for _ in range(50)} == {"passed"}
    after = held()
    assert all(now <= then for now, then in zip(after, before, strict=True)), (before, after)
