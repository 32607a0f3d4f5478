"""A broker connection that stops at every command: what the sweeps and the time-out report are built on.

A `Hook` hears of every *step* of a client: `before` it is sent, once it was `sent`, and `after` its reply was read.
What counts as one step:

* a command, also a script call (EVALSHA, and the SCRIPT LOAD that redis-py adds when the server does not know it);
* MULTI … EXEC, which redis-py sends in one piece: atomic, so one step;
* each command of a pipeline without a transaction: others may come between, so one step each (redis-py sends them in
  one write; here each is sent when the one before was answered, which a slow network can do as well).

* each look of a subscription for its next message (`get_message`, `listen`), whether one is there or not.

The handshake (HELLO, CLIENT SETINFO …) does not count. Replies are read at once and handed out when the client asks.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import redis

from mqlab.checks.trace import as_text, readable

SUBSCRIBES = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"}
SUBSCRIPTIONS = SUBSCRIBES | {"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"}
LAST_ARGUMENT = {"BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BZPOPMIN", "BZPOPMAX"}  # where the time-out stands
FIRST_ARGUMENT = {"BLMPOP", "BZMPOP"}
READS = {"XREAD", "XREADGROUP"}
BLOCKING = LAST_ARGUMENT | FIRST_ARGUMENT | READS
SCRIPTS = {"EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "SCRIPT", "FCALL", "FCALL_RO", "FUNCTION"}

note: Callable[[str], None] | None = None  # told what a client waits for, and "" when it has it; set in a check's child


class Step:
    """What the client asks for in one go: one command, or MULTI, its commands and EXEC.

    timeout: None: it cannot block; 0: it blocks for ever; else seconds after which the server answers "nothing".
    """

    __slots__ = ("commands", "name", "timeout", "_timeout_place")

    def __init__(self, commands: tuple[tuple, ...]):
        self.commands = commands
        self.name = _name(commands[0])
        self.timeout = self._timeout_place = None
        if self.name in BLOCKING and len(commands) == 1:
            self._find_timeout(commands[0])

    def _find_timeout(self, command: tuple) -> None:
        words = [as_text(word).upper() for word in command]
        if self.name not in READS:
            place = 1 if self.name in FIRST_ARGUMENT else len(words) - 1
        elif "BLOCK" in words[: words.index("STREAMS") if "STREAMS" in words else None]:
            place = words.index("BLOCK") + 1
        else:
            return
        with suppress(ValueError, IndexError):  # the server will say what is wrong with it
            self.timeout = float(words[place]) / (1000 if self.name in READS else 1)
            self._timeout_place = place

    def waiting_for_ever(self) -> Step:
        """The same step without its time-out."""
        command = list(self.commands[0])
        command[self._timeout_place] = 0
        return Step((tuple(command),))

    @property
    def uses_scripts(self) -> bool:
        return any(_name(command) in SCRIPTS for command in self.commands)

    def __str__(self) -> str:
        return " · ".join(readable(command) for command in self.commands)


class Read(Step):
    """A subscription looks for its next message. timeout: None: it does not wait; 0: for ever; else seconds."""

    __slots__ = ()

    def __init__(self, timeout: float | None):
        super().__init__((("READ",),))
        self.timeout = timeout

    def waiting_for_ever(self) -> Step:
        return self

    def __str__(self) -> str:
        return "read the subscription"


def _name(command: tuple) -> str:
    """The command's first word: redis-py writes some as one string, such as "CLIENT LIST"."""
    return as_text(command[0]).partition(" ")[0].upper()


class Hook:
    """Does nothing. What `before` and `after` raise, the client's code gets to see."""

    def before(self, connection: TracedConnection, step: Step) -> Step:
        """Called when the client asks for `step`. Returns the step to send."""
        return step

    def sent(self, connection: TracedConnection, step: Step) -> None:
        """Called between sending it and reading its reply."""

    def arrived(self, connection: TracedConnection, step: Read) -> bool:
        """Wait for a message of the subscription, as long as `step` says. Returns whether one is there."""
        return connection.has_message({None: 0, 0: None}.get(step.timeout, step.timeout))

    def after(self, connection: TracedConnection, step: Step, reply) -> None:
        """Called with the reply, or with the exception that came instead of one."""


class TracedConnection(redis.Connection):
    """`redis.Connection` with a hook; make clients of it with `traced_client`."""

    def __init__(self, *, hook: Hook, **kwargs):
        super().__init__(**kwargs)
        self.hook = hook
        self.client_id = None
        self._greeting = False
        self._batch: list[tuple] | None = None
        self._replies: deque = deque()
        self._poll = None
        self._subscribed = False

    # -- connecting: not traced

    def on_connect_check_health(self, check_health: bool = True):
        self._greeting = True
        try:
            super().on_connect_check_health(check_health=check_health)
            super().send_command("CLIENT", "ID", check_health=False)
            self.client_id = super().read_response()
        finally:
            self._greeting = False
        self._poll = select.poll()
        self._poll.register(self._sock, select.POLLIN)

    def disconnect(self, *args, **kwargs):
        self._replies.clear()
        self._poll, self._subscribed = None, False
        super().disconnect(*args, **kwargs)

    # -- sending

    def send_command(self, *args, **kwargs):
        if self._greeting:
            return super().send_command(*args, **kwargs)
        self._perform(Step((args,)), disable_decoding="NEVER_DECODE" in kwargs)

    def pack_commands(self, commands):
        self._batch = [tuple(command) for command in commands]
        return super().pack_commands(self._batch)

    def send_packed_command(self, command, check_health=True):
        batch, self._batch = self._batch, None
        if self._greeting or not batch:
            return super().send_packed_command(command, check_health)
        if batch[0][0] == "MULTI":
            self._perform(Step(tuple(batch)))
        else:
            for single in batch:
                self._perform(Step((single,)))

    def _perform(self, step: Step, **read_options) -> None:
        asked, step = step, self.hook.before(self, step)
        try:
            if note:
                note(str(asked))
            packed = super().pack_commands(step.commands)
            super().send_packed_command(packed, check_health=False)
            self.hook.sent(self, asked)
            if step.name in SUBSCRIPTIONS:
                self._subscribed, read_options["push_request"] = True, True
            confirmed = len(step.commands[0]) - 1 if step.name in SUBSCRIBES else 1  # one for each channel
            replies = [self._read_now(read_options) for _ in range(max(confirmed, len(step.commands)))]
        except BaseException as error:
            self.hook.after(self, asked, error)
            raise
        finally:
            if note:
                note("")
        try:
            self.hook.after(self, asked, replies[-1])
        except BaseException:
            self.disconnect()
            raise
        self._replies.extend(replies)

    def _read_now(self, options):
        try:
            return super().read_response(**options)
        except redis.ResponseError as error:
            return error

    # -- reading

    def read_response(self, *args, **kwargs):
        if self._subscribed and not self._greeting and not self._replies:
            self._look_for_message(0)
        if self._greeting or not self._replies:
            return super().read_response(*args, **kwargs)
        reply = self._replies.popleft()
        if isinstance(reply, redis.ResponseError):
            raise reply
        return reply

    def can_read(self, timeout: float = 0) -> bool:
        if self._replies:
            return True
        if self._subscribed and not self._greeting:
            return self._look_for_message(timeout or None)
        if self._sock and not timeout and not self.answered:
            return False  # the common case, without the cost of asking the parser
        return super().can_read(timeout)

    def has_message(self, timeout: float | None) -> bool:
        """Whether the server sent something, within `timeout` seconds (None: wait for ever). It is not a step."""
        return super().can_read(timeout)

    def _look_for_message(self, timeout: float | None) -> bool:
        """One step of a subscription: its next message, if one comes in time, is put among the replies."""
        step = self.hook.before(self, Read(timeout))
        message = None
        try:
            if note:
                note(str(step))
            self.hook.sent(self, step)
            if there := self.hook.arrived(self, step):
                message = super().read_response(disconnect_on_error=False, push_request=True)
        except BaseException as error:
            self.hook.after(self, step, error)
            raise
        finally:
            if note:
                note("")
        try:
            self.hook.after(self, step, message)
        except BaseException:
            self.disconnect()
            raise
        if there:
            self._replies.append(message)
        return there

    @property
    def answered(self) -> bool:
        """Whether something of the server is waiting to be read (or it closed the connection)."""
        return self._poll is None or bool(self._poll.poll(0))


def traced_client(url: str, hook: Hook, **kwargs) -> redis.Redis:
    """A client of the broker at `url` whose every step goes through `hook`; no retries, text instead of bytes."""
    options = {"decode_responses": True, "connection_class": TracedConnection, "hook": hook, **kwargs}
    return redis.Redis.from_url(url, **options)
