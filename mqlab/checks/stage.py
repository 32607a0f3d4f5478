"""A stage on which callers act one broker command at a time, in an order that somebody else chooses.

Every caller (caller.py) runs until it asks for its next command, and then waits to be chosen; only one of them ever
runs, so the same choices give the same run. Three rules keep a run finite:

* The time-out of a blocking command fires when nobody else can move. So no real time passes, and a time-out never
  competes with a command: what is not modelled is a time-out that fires while another caller could still have moved.
* time.sleep takes no time here: it is a chance for others to move, and they are tried anyway.
* A spin loop (a lock taken by asking again and again): a caller that went twice through the same commands with the same
  replies is passed over until another one has moved, as long as there is another one.

Threads that a caller starts itself are not scheduled; a run ends when they have ended.
"""

from __future__ import annotations

import threading
import time

import redis

from mqlab.checks.caller import BLOCKED, DONE, READY, Caller, Held
from mqlab.checks.trace import Trace

FAIR = 25  # moves of one caller in a row after which another one gets its turn, if nothing else is prescribed


class Stuck(Exception):
    """The callers do not come to an end. kind: "deadlock" or "no-progress"."""

    def __init__(self, kind: str):
        super().__init__(kind)
        self.kind = kind


_really_sleep = time.sleep


def _sleep(seconds: float) -> None:
    """What time.sleep is while there is a stage: no time passes for callers."""
    if not getattr(threading.current_thread(), "on_stage", False):
        _really_sleep(seconds)


class Stage:
    """Callers, and the record of what they did. `url`: a broker that may be flushed."""

    def __init__(self, url: str, control: redis.Redis, most_steps: int = 200):
        self.url, self.control, self.most_steps = url, control, most_steps
        self.floor = threading.Lock()  # held by whoever runs
        self.floor.acquire()
        self.trace = Trace()
        self.uses_scripts = True
        self._cast: dict[str, Caller] = {}
        self._held = False
        time.sleep = _sleep
        self._patience = 2.0  # seconds, in all, to wait for threads that callers leave behind

    def reset(self) -> None:
        """Empty the broker, scripts included, and the record."""
        if self.uses_scripts:
            self.control.execute_command("SCRIPT FLUSH")
            self.control.execute_command("FUNCTION FLUSH")
            self.uses_scripts = False
        self.control.execute_command("FLUSHALL")
        self.trace = Trace()

    def play(self, parts: dict, prefix=(), faults=None) -> list[tuple[int, list[int]]]:
        """Run the functions of `parts` (name → function of a client) to their end.

        prefix: which caller moves, move by move, as far as it is prescribed; after that the one that moved last goes on
        as long as it can. Returns, move by move, who moved and who could have. The results are in `results`.
        Raises Stuck when they come to no end; they are gone then. Raises Held when one waits for another outside the
        broker; nobody can end them then, and the stage is of no more use.
        """
        callers = [self._caller(name) for name in parts]
        known = set(threading.enumerate())
        moves: list[tuple[int, list[int]]] = []
        try:
            for caller, function in zip(callers, parts.values(), strict=True):
                caller.begin(function, (faults or {}).get(caller.name))
            self._play(callers, list(prefix), moves)
        except Stuck:
            self._dismiss(callers)
            raise
        except Held:
            self._held = True
            raise
        finally:
            self.results = [caller.result for caller in callers]
            self.moves = moves
            if not self._held:
                self._await_helpers(known)
        for caller in callers:
            if caller.dead:
                self._dismiss([caller])
        return moves

    def _play(self, callers, prefix, moves) -> None:
        last, streak = None, 0
        while True:
            able = self._able(callers)
            if not able:
                if all(caller.state == DONE for caller in callers):
                    return
                sleepers = [caller for caller in callers if caller.state == BLOCKED and caller.step.timeout]
                if not sleepers:
                    raise Stuck("deadlock")
                first = min(sleepers, key=lambda caller: caller.step.timeout)
                first.time_out()
                first.answered()
                first.proceed()
                self._moved(callers, first)
                continue
            if len(moves) >= self.most_steps:
                raise Stuck("no-progress")
            prescribed = prefix[len(moves)] if len(moves) < len(prefix) else None
            if prescribed in able:
                choice = prescribed
            elif last in able and (streak < FAIR or len(able) == 1):
                choice = last
            else:
                choice = next((i for i in able if i > (-1 if last is None else last)), able[0])
            streak = streak + 1 if choice == last else 1
            moves.append((choice, able))
            last = choice
            callers[choice].proceed()
            self._moved(callers, callers[choice])

    def _able(self, callers) -> list[int]:
        for caller in callers:  # whoever was woken by the last move goes on by itself: its command is over already
            if caller.state == BLOCKED and caller.answered():
                caller.proceed()
                self._moved(callers, caller)
                return self._able(callers)
        ready = [i for i, caller in enumerate(callers) if caller.state == READY]
        return [i for i in ready if not callers[i].spinning] or ready

    def _await_helpers(self, known: set) -> None:
        """Let threads that the callers started come to their end, so that they do not meddle with the next run."""
        for thread in threading.enumerate():
            if thread not in known and self._patience > 0:
                start = time.monotonic()
                thread.join(self._patience)
                self._patience -= time.monotonic() - start

    @staticmethod
    def _moved(callers, mover) -> None:
        for caller in callers:
            if caller is not mover:
                caller.others_moved()

    def _caller(self, name: str) -> Caller:
        if name not in self._cast:
            self._cast[name] = Caller(self, name)
        return self._cast[name]

    def _dismiss(self, callers) -> None:
        for caller in callers:
            self._cast.pop(caller.name, None)
            caller.leave()

    def paused(self, mover: str) -> list:
        """The other callers that are in the middle of their work: (name, the command each is at)."""
        return [(c.name, c.step) for c in self._cast.values() if c.name != mover and c.state != DONE]

    def close(self) -> None:
        time.sleep = _really_sleep
        if not self._held:
            self._dismiss(list(self._cast.values()))
