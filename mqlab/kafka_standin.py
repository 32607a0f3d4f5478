"""The stand-in for Kafka where there is none: the mock cluster inside librdkafka, in a process of its own.

It speaks Kafka's protocol on loopback, and keeps everything in memory. Run as a program, this file is that process.
Its topics are made by `rd_kafka_mock_topic_create`, since it does not know the request of an AdminClient:
https://github.com/confluentinc/librdkafka/blob/v2.12.1/src/rdkafka_mock.h ("an experimental public API").
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile

SESSION, HEARTBEAT = 3000, 300  # milliseconds, as kafka_node.py gives Kafka for groups of the new protocol
PARTITIONS = 4  # of a topic that appears because somebody uses it


class StandIn:
    """The process. It is launched at once; the first question waits until it serves (0.2 s)."""

    def __init__(self):
        from mqlab import reaper

        self._reaper = reaper
        self._address = ""
        self._errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Jupyter's interrupt goes to the kernel's session only
        )
        reaper.register("process", self.process.pid)

    @property
    def pid(self) -> int | None:
        """None when it is not running."""
        return self.process.pid if self.process.poll() is None else None

    @property
    def bootstrap(self) -> str:
        self._address = self._address or self._ask("address")
        return self._address

    def create_topic(self, name: str, partitions: int) -> None:
        self._ask("create", name, partitions)

    def _ask(self, *question) -> str:
        from mqlab.server import BrokerError

        try:
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip().splitlines()
            code = self.kill()
            raise BrokerError(
                f"The stand-in for Kafka ended with code {code}; it wrote: {said[-1] if said else '(nothing)'}. "
                "Start another with Kafka.start()."
            ) from None
        if "error" in answer:
            raise BrokerError(f"The stand-in for Kafka refused to {question[0]} {question[1]!r}: {answer['error']}.")
        return answer["done"]

    def kill(self) -> int:
        """SIGKILL, and wait for its end. Returns the exit code (-9 when it was running)."""
        if self.pid is not None:
            self._reaper.kill_group(self.process.pid)
        code = self.process.wait()
        self._reaper.unregister("process", self.process.pid)
        return code

    remove = kill  # it has no data


# ---------------------------------------------------------------- the process itself


def library():
    """librdkafka, found through the client's module, which is linked with it wherever it came from."""
    import confluent_kafka.cimpl

    rd = ctypes.CDLL(confluent_kafka.cimpl.__file__)
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(rd, name).restype = ctypes.c_void_p
    for name in ("rd_kafka_mock_cluster_bootstraps", "rd_kafka_err2str"):
        getattr(rd, name).restype = ctypes.c_char_p
    return rd


def serve() -> None:
    rd = library()
    reason = ctypes.create_string_buffer(512)
    conf = ctypes.c_void_p(rd.rd_kafka_conf_new())
    owner = ctypes.c_void_p(rd.rd_kafka_new(0, conf, reason, len(reason)))
    if not owner:
        sys.exit(reason.value.decode())
    cluster = ctypes.c_void_p(rd.rd_kafka_mock_cluster_new(owner, 1))
    if not cluster:
        sys.exit("librdkafka could not open a port on 127.0.0.1")
    # With no delay at all, a member of the classic protocol that joins a moment after another now and then is given no
    # partition before a long time.
    rd.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 1000)
    rd.rd_kafka_mock_set_group_consumer_session_timeout_ms(cluster, SESSION)
    rd.rd_kafka_mock_set_group_consumer_heartbeat_interval_ms(cluster, HEARTBEAT)
    for line in sys.stdin:  # ends with the kernel
        error = 0
        match json.loads(line):
            case ["create", name, partitions]:
                error = rd.rd_kafka_mock_topic_create(cluster, name.encode(), partitions, 1)
        answer = {"done": rd.rd_kafka_mock_cluster_bootstraps(cluster).decode()}
        print(json.dumps({"error": rd.rd_kafka_err2str(error).decode()} if error else answer), flush=True)
    os._exit(0)  # without taking the cluster apart


if __name__ == "__main__":
    serve()
