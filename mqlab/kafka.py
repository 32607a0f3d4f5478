"""The Kafka of a lesson: the cluster that KAFKA_BOOTSTRAP names, else Apache Kafka of our own, else a stand-in.

    kafka = Kafka.start()  # at once; it starts in the background, and what needs it waits
    print(kafka)  # Apache Kafka 4.4.0, one KRaft node on 127.0.0.1:23456, started by the course (Java 25.0.2 …)
    orders = kafka.create_topic("orders", partitions=3)
    producer = confluent_kafka.Producer(kafka.config)

Environment: KAFKA_BOOTSTRAP (use that cluster; KAFKA_SASL_… as in kafka_external.py; MQLAB_PREFIX goes before our
prefix there), MQLAB_KAFKA=stand-in (as if nothing else were there), MQLAB_REQUIRE_ALL (what the broker lacks is an
error, and so is the stand-in unless asked for), MQLAB_CACHE, MQLAB_JAVA, MQLAB_DATA_DIR.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import confluent_kafka

from mqlab import kafka_external, kafka_jars, kafka_java, reaper
from mqlab.kafka_capabilities import Can, capabilities, lacks
from mqlab.kafka_clients import Clients
from mqlab.kafka_node import QUIET, Node
from mqlab.kafka_standin import StandIn
from mqlab.server import BrokerError

__all__ = ["BrokerError", "Can", "Kafka"]


class Kafka(Clients):
    """A Kafka, and how to break it. Get one from `Kafka.start()`; it is closed when the interpreter ends.

    prefix: what `topic` and `group` put in front: nothing on our own. What clients it gives: kafka_clients.py.
    """

    def __init__(
        self, process: Node | StandIn | None, *, found: str = "", prefix: str = "", config: dict | None = None
    ):
        self.prefix = prefix
        self._process = process
        self._found = found  # in words: how, or why no better one
        self._config = config or {}
        self._tried: tuple[int, set[str]] = (0, set())  # of an external one: its brokers, what works there
        self._ready = self._closed = False
        self._home = os.getpid()  # a forked child has a copy of this object, but the process is not its child

    @classmethod
    def start(cls, private: bool = False) -> Kafka:
        """Find or start one. Our own starts in the background; `ready` and every use wait for it.

        private: never the cluster of KAFKA_BOOTSTRAP, always one of our own, which may be killed.
        Raises BrokerError with one line that names the cause and the next step.
        """
        if os.environ.get("KAFKA_BOOTSTRAP", "").strip() and not private:
            prefix, config = kafka_external.new_prefix(), kafka_external.settings()
            reaper.register("topics", json.dumps(config), prefix)
            kafka = cls(None, found="KAFKA_BOOTSTRAP", prefix=prefix, config=config)
            kafka._tried, kafka._ready = kafka_external.connect(config, prefix), True
            return kafka
        if sys.platform == "win32":
            raise BrokerError(
                "The course's own Kafka does not run on Windows. Work in WSL 2 "
                "(https://learn.microsoft.com/windows/wsl/install), or set KAFKA_BOOTSTRAP to a cluster elsewhere."
            )
        wanted = os.environ.get("MQLAB_KAFKA", "")
        if wanted == "stand-in":
            return cls(StandIn(), found="asked for by MQLAB_KAFKA")
        if wanted:
            raise BrokerError(f"MQLAB_KAFKA is {wanted!r}; the one value it may have is 'stand-in'. Unset it.")
        try:
            java = kafka_java.find()
            return cls(Node(kafka_jars.ready_directory(), java), found=str(java))
        except BrokerError as error:
            return cls(_stand_in(error), found=str(error))

    def ready(self) -> Kafka:
        """Wait until it serves. Should Apache Kafka not start, say so in one line and go on with the stand-in."""
        if not self._ready:
            self._check_home("wait for its start")
            if isinstance(self._process, Node):
                try:
                    self._process.start_somewhere()
                except BrokerError as error:
                    self._process.remove()
                    self._process, self._found = _stand_in(error), str(error)
                    print(f"Apache Kafka did not start: {self}")
            self._ready = bool(self.stand_in and self._process.bootstrap) or not self.stand_in
        return self

    # ------------------------------------------------------------ what it is

    @property
    def owned(self) -> bool:
        return self._process is not None

    @property
    def stand_in(self) -> bool:
        return isinstance(self._process, StandIn)

    @property
    def pid(self) -> int | None:
        """The process id; None when it is external or killed."""
        if self.owned and self._home != os.getpid():
            return self._process.process.pid  # only its parent can tell whether it still runs
        return self._process.pid if self.owned else None

    @property
    def bootstrap(self) -> str:
        """host:port, for `bootstrap.servers`. Waits until it is ready."""
        self.ready()
        return self._process.bootstrap if self.owned else self._config["bootstrap.servers"]

    @property
    def config(self) -> dict:
        """What every client needs: where, and login if there is one; quiet on stderr. JSON, so a worker can have it."""
        return {"bootstrap.servers": self.bootstrap, **self._config, **QUIET}

    @property
    def capabilities(self) -> set[Can]:
        if not self.owned:
            return capabilities("external", self._tried[1])
        self.ready()  # it may be the stand-in yet
        return capabilities("stand-in" if self.stand_in else "apache")

    def can(self, capability: str) -> bool:
        """Whether it has this, e.g. `kafka.can("transactions")`; see Can. ValueError for an unknown one."""
        return Can(capability) in self.capabilities

    def needs(self, *wanted: str) -> bool:
        """For an `if` around what needs these. Says in one sentence what is missing; no fault, but no result either.

        With MQLAB_REQUIRE_ALL what is missing raises BrokerError.
        """
        missing = [Can(each) for each in wanted if not self.can(each)]
        if not missing:
            return True
        kind = "external" if not self.owned else "stand-in" if self.stand_in else "apache"
        line = lacks(kind, missing)
        if os.environ.get("MQLAB_REQUIRE_ALL"):
            raise BrokerError(f"{line} MQLAB_REQUIRE_ALL makes that an error. This is {self}.")
        print(line)
        return False

    # ------------------------------------------------------------ faults

    def kill(self) -> None:
        """SIGKILL it and wait for its end. Apache Kafka has all it acknowledged in its files; the stand-in, nothing."""
        self._breakable("kill").kill()

    def restart(self) -> None:
        """Start it again: same port, same data. Kills it first if it still runs. Not the stand-in."""
        process = self._breakable("restart")
        if self.stand_in:
            raise BrokerError(
                "The stand-in for Kafka keeps its data in memory, so there is nothing to restart it with. "
                "Ask kafka.needs('durability') first, or start another with Kafka.start()."
            )
        process.kill()
        process.launch()
        process.wait_until_ready()

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and answers nothing, like a machine that hangs."""
        self._send("pause", signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: it goes on where it stopped."""
        self._send("resume", signal.SIGCONT)

    def _send(self, what: str, number: signal.Signals) -> None:
        process = self._breakable(what)
        if process.pid is None:
            raise BrokerError(f"Kafka is not running, so it cannot {what}. Call restart() first.")
        os.kill(process.pid, number)

    def _breakable(self, what: str) -> Node | StandIn:
        if not self.owned:
            raise BrokerError(
                f"{what}() would hit everybody on the cluster of KAFKA_BOOTSTRAP. Break a private one: "
                f"`with kafka.expendable() as victim: victim.{what}()`."
            )
        self._check_home(what)
        if self._closed:
            raise BrokerError(f"Kafka is closed, so there is nothing to {what}. Use Kafka.start() again.")
        self.ready()
        return self._process

    def _check_home(self, what: str) -> None:
        if self._home != os.getpid():
            raise BrokerError(f"Only the process that started Kafka can {what}. Do it there, before this one starts.")

    @contextmanager
    def expendable(self) -> Iterator[Kafka]:
        """A Kafka that may be killed: this one if it is ours, else a private one, closed afterwards."""
        if self.owned and self._home == os.getpid():
            yield self
        else:
            with Kafka.start(private=True) as victim:
                yield victim

    # ------------------------------------------------------------ the end

    def close(self) -> None:
        """End our own and remove its data; on an external cluster delete our own topics and groups, nothing else.

        Does nothing in a forked child, and nothing the second time. What was not closed, the reaper closes
        when the interpreter ends.
        """
        if self._closed or self._home != os.getpid():
            return
        self._closed = True
        if self.owned:
            self._process.remove()
            return
        kafka_external.remove(self._config, self.prefix)
        reaper.unregister("topics", json.dumps(self._config), self.prefix)

    def __enter__(self) -> Kafka:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def __str__(self) -> str:
        if not self.owned:
            brokers = f"{self._tried[0]} broker{'s' * (self._tried[0] != 1)}"
            where = self._config["bootstrap.servers"]
            return f"Kafka cluster of {brokers} at {where} from {self._found}; your topics start with {self.prefix}"
        if self.stand_in:
            name = f"Stand-in for Kafka, the mock cluster of librdkafka {confluent_kafka.libversion()[0]}"
            return f"{name}, on {self._process.bootstrap} ({self._found})"
        name = f"Apache Kafka {kafka_jars.version()}, one KRaft node on "
        if not self._ready:
            return f"{name}loopback, starting in the background ({self._found})"
        return f"{name}{self._process.bootstrap}, started by the course ({self._found})"

    def __repr__(self) -> str:  # never the password
        return f"<Kafka: {self}>"


def _stand_in(why: BrokerError) -> StandIn:
    if os.environ.get("MQLAB_REQUIRE_ALL"):
        raise BrokerError(f"No Apache Kafka: {why}. MQLAB_REQUIRE_ALL forbids the stand-in.") from None
    return StandIn()
