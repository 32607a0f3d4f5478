"""One caller on a stage: a thread that waits before each of its broker commands until it is chosen.

A blocking command (BLPOP …) that finds nothing: the server says that its client is blocked, and the caller leaves the
floor to the others. It is sent without its time-out; the stage lets the time-out fire (CLIENT UNBLOCK). A subscription
that waits for a message does the same: what the server has sent by then is known once it has answered somebody else.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress

import redis

from mqlab.checks.trace import Said
from mqlab.checks.traced import Hook, Read, traced_client

READY, BLOCKED, DONE = "ready", "blocked", "done"
LONGEST_CYCLE = 4  # commands of a spin loop that are recognised as one round
PATIENCE = 5  # seconds for a server to say whether a client is blocked: it takes microseconds
HELD = 3  # seconds without a command or an end, while another caller is paused, after which a caller counts as held up
REFUSALS = 50  # commands refused to a dead process, whose code caught the exception every time, before it is parked
KILLED = "✗ the process was killed here"


class SimulatedCrash(BaseException):
    """The process that ran this code is dead. Not an Exception, so that no ordinary `except` comes to life again."""


class Held(Exception):
    """A caller waits in this process, outside the broker, for something that a paused caller holds, such as a lock."""


class Fault:
    """What happens to a caller at its n-th command: "before" it or "after" it the process dies, or its reply is lost.

    kind: "before", "after" or "lost". `hit` says whether the caller came that far.
    """

    def __init__(self, kind: str, n: int):
        self.kind, self.n, self.hit = kind, n, False


class Caller(Hook):
    """One thread and its client. `result` is what its function returned, or the exception it ended with."""

    def __init__(self, stage, name: str):
        self.stage, self.name = stage, name
        self.state, self.result, self.fault = DONE, None, None
        self.step = None  # the command it waits to send, or is blocked in
        self.dead = False
        self._count = self._refusals = 0
        self._connection = None
        self._recent: list[tuple] = []  # commands and replies since another caller moved
        self._go = threading.Lock()
        self._go.acquire()
        self.client = traced_client(stage.url, self, socket_timeout=None)
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self._thread.on_stage = True
        self._thread.start()

    # -- in the stage's thread

    def begin(self, function, fault: Fault | None = None) -> None:
        """Run `function(client)` up to its first command."""
        self._function, self.fault, self.result = function, fault, None
        self._count, self._recent, self.dead = 0, [], False
        self.proceed()

    def proceed(self) -> None:
        """Let it run until its next command, until it blocks or until it ends. Raises Held, with its name."""
        self._go.release()
        if not self.stage.floor.acquire(timeout=HELD if self.stage.paused(self.name) else -1):
            raise Held(self.name)

    def leave(self) -> None:
        """End this caller for good; its code sees a crash, and the server forgets its connections."""
        self.dead, self._function = True, None
        if self._connection is not None and self._connection.client_id is not None:
            with suppress(redis.RedisError):  # at once: a blocked client that is only closed could still take a message
                self.stage.control.execute_command("CLIENT KILL", "ID", self._connection.client_id)
        if self.state != DONE:
            self.proceed()  # its code sees the crash and ends; if it does not want to, it is parked (a daemon thread)
        self._go.release()  # the thread finds no function and ends
        self.client.close()

    @property
    def spinning(self) -> bool:
        """Whether its next command would begin the third round of the same commands with the same replies."""
        if self.state != READY:
            return False
        recent, asked = self._recent, self.step.commands
        for period in range(1, min(LONGEST_CYCLE, len(recent) // 2) + 1):
            if recent[-period][0] == asked and recent[-period:] == recent[-2 * period : -period]:
                return True
        return False

    def others_moved(self) -> None:
        self._recent.clear()

    def answered(self) -> bool:
        """Whether the blocking command came to its end, and with it this caller can go on."""
        if isinstance(self.step, Read):
            return self._message_there()
        deadline = time.monotonic() + PATIENCE
        while not self._connection.answered:
            if self._blocked_on_server() or time.monotonic() > deadline:
                return False
        return True

    def time_out(self) -> None:
        """Let the time-out of its blocking command fire."""
        if isinstance(self.step, Read):
            return  # it looks once more, finds nothing and goes on
        self.stage.control.execute_command("CLIENT UNBLOCK", self._connection.client_id, "TIMEOUT")

    def _message_there(self) -> bool:
        self.stage.control.ping()  # the server has written to everybody what came before, when this is answered
        return self._connection.has_message(0)

    def _blocked_on_server(self) -> bool:
        reply = self.stage.control.client_list(client_id=[self._connection.client_id])
        return any("b" in client["flags"] for client in reply)

    # -- in its own thread

    def _live(self) -> None:
        while True:
            self._go.acquire()
            if self._function is None:
                return
            try:
                self.result = self._function(self.client)
            except BaseException as error:
                self.result = error
            self.state = DONE
            self.stage.floor.release()

    def _yield(self, state: str) -> None:
        self.state = state
        self.stage.floor.release()
        self._go.acquire()

    def _mine(self) -> bool:
        return threading.current_thread() is self._thread

    def before(self, connection, step):
        if self.dead:
            self._refuse()
        if not self._mine():  # a thread that the learner's code started: it is not scheduled, only cut off at a crash
            return step
        self.step, self._connection = step, connection
        self._yield(READY)
        if self.dead:
            self._refuse()
        self._count += 1
        if self._due("before"):
            self.stage.trace.remark(f"{KILLED} (before it sent {step})")
            self._die()
        self.stage.uses_scripts |= step.uses_scripts
        return step.waiting_for_ever() if step.timeout else step

    def sent(self, connection, step):
        if not self._mine() or step.timeout is None or self.answered():
            return
        self.stage.trace.add(self.name, step, Said("(waits: nothing there)"))
        self._yield(BLOCKED)
        if self.dead:
            self._refuse()

    def arrived(self, connection, step):
        return self._message_there() if self._mine() else super().arrived(connection, step)

    def after(self, connection, step, reply):
        if not self._mine() or self.dead:
            return
        if self._due("lost"):
            self.stage.trace.add(self.name, step, Said("done, but the reply was lost: ConnectionError"))
            raise redis.ConnectionError("Connection closed by server.")
        self.stage.trace.add(self.name, step, reply)
        self._recent.append((step.commands, repr(reply) if isinstance(reply, Exception) else reply))
        if self._due("after"):
            self.stage.trace.remark(f"{KILLED} (after the command took effect, before it saw the reply)")
            self._die()

    def _due(self, kind: str) -> bool:
        fault = self.fault
        if fault is None or fault.kind != kind or fault.n != self._count or fault.hit:
            return False
        fault.hit = True
        return True

    def _die(self):
        self.dead = True
        raise SimulatedCrash("the process was killed")

    def _refuse(self):
        self._refusals += 1
        if self._refusals > REFUSALS:  # a dead process runs no code, so this thread stops for good
            if self._mine():
                self.result, self.state = SimulatedCrash("the process was killed"), DONE
                self.stage.floor.release()
            threading.current_thread().name = "parked"
            threading.Event().wait()
        raise SimulatedCrash("the process was killed")
