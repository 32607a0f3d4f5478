"""One node of Apache Kafka, broker and controller in one JVM (KRaft), as an ordinary subprocess.

It listens on loopback only, on two free ports, and keeps its data in a directory of its own. A start takes about
1.5 s on two cores, with what kafka_prepare.py leaves beside the jars; 3 s without, and 5 s with Kafka's own settings.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import os
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from mqlab import kafka_jars, reaper
from mqlab.kafka_java import Java, archive_option, archive_path
from mqlab.server import BrokerError, PortTaken, _directory_error, _new_directory, free_port

PATIENCE = 60  # seconds a start may take; 2 are usual, a busy machine needs more
# What librdkafka is told everywhere: to write nothing to stderr, where a notebook would show it at a random place
# (errors reach the program all the same), and to look for a restarted broker twice a second, not every 10 s.
QUIET = {"log_level": 0, "reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 500}

# A small heap and the simple collector and compiler start in half the time and reach the same throughput here.
# Without -UsePerfData a killed JVM leaves a file in /tmp.
OPTIONS = "-Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Xlog:disable".split()
OPTIONS += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]

CONFIG = Path(__file__).with_name("kafka.properties")
FIRST = "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"  # what formatting writes: the feature levels
TEMPLATE = "first.checkpoint"  # its copy beside the jars


class Node:
    """A Kafka process and its directory. It is launched at once, and usable after `wait_until_ready`."""

    def __init__(self, jars: Path, java: Java, make_archive: Path | None = None):
        self.jars, self.java, self._make_archive = jars, java, make_archive
        self.cluster_id = _random_id()
        self.process: subprocess.Popen | None = None
        self.port = self._controller = 0
        self.directory = _new_directory()
        try:
            self._choose_ports()
            self._format()
            self.launch()
        except BaseException:
            self.remove()
            raise

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """None when it is not running."""
        return self.process.pid if self.process and self.process.poll() is None else None

    @property
    def _log(self) -> Path:
        return Path(self.directory, "server.log")

    def _choose_ports(self) -> None:
        self.port, self._controller = free_port(), free_port()
        config = CONFIG.read_text().format(port=self.port, controller=self._controller)
        Path(self.directory, "server.properties").write_text(config)

    def _format(self) -> None:
        """An empty data directory, as `kafka-storage format` makes it: copied in no time, by that tool in 1.2 s."""
        data, template = Path(self.directory, "data"), self.jars / TEMPLATE
        if template.exists():
            (data / FIRST).parent.mkdir(parents=True)
            shutil.copy(template, data / FIRST)
            lines = f"version=1\ncluster.id={self.cluster_id}\nnode.id=1\ndirectory.id={_random_id()}\n"
            (data / "meta.properties").write_text(lines)
            return
        line = self._line("kafka.tools.StorageTool", "format", "-t", self.cluster_id, "-c", "server.properties")
        ended = subprocess.run(line, cwd=self.directory, env=_environment(), capture_output=True, text=True)
        if ended.returncode:
            self._log.write_text(ended.stdout + ended.stderr)
            raise self._explain("could not make its data directory")

    def _line(self, *arguments: str) -> list[str]:
        classpath = os.pathsep.join(str(self.jars / jar.name) for jar in kafka_jars.locked())
        temporary = f"-Djava.io.tmpdir={self.directory}"  # for the native libraries that it unpacks
        return [self.java.binary, *OPTIONS, temporary, "-cp", classpath, *arguments]

    def _archive_options(self) -> list[str]:
        if self._make_archive:
            return [archive_option(self.java, self._make_archive, make=True)]
        archive = archive_path(self.jars, self.java, OPTIONS)
        usable = archive.exists() and archive.stat().st_size
        return [archive_option(self.java, archive, make=False)] if usable else []

    def launch(self) -> None:
        """Start it on its ports, over the data in its directory, without waiting for it."""
        java, *line = self._line("kafka.Kafka", "server.properties")
        try:
            with self._log.open("wb") as output:
                self.process = subprocess.Popen(
                    [java, *self._archive_options(), *line],
                    cwd=self.directory,
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Jupyter's interrupt goes to the kernel's session only
                )
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise _directory_error(self.directory, error) from None
            raise BrokerError(f"{self.java.binary} cannot be executed ({error.strerror})") from None
        reaper.register("process", self.process.pid)

    def wait_until_ready(self) -> None:
        """Ready is what answers as *this* cluster, and leads every partition it has. Raises BrokerError."""
        deadline = time.monotonic() + PATIENCE
        admin = None
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise self._explain(f"ended with code {self.kill()} instead of serving")
            if admin is None and _listening(self.port):  # asking earlier would only wait for the next attempt
                admin = AdminClient({"bootstrap.servers": self.bootstrap, **QUIET})
            if admin is not None and self._serves(admin):
                return
            time.sleep(0.01)
        self.kill()
        raise self._explain(f"did not answer within {PATIENCE} s")

    def _serves(self, admin: AdminClient) -> bool:
        with contextlib.suppress(KafkaException):
            found = admin.list_topics(timeout=0.5)
            partitions = [each for topic in found.topics.values() for each in topic.partitions.values()]
            led = all(partition.leader >= 0 for partition in partitions)
            return found.cluster_id == self.cluster_id and bool(found.brokers) and led
        return False

    def start_somewhere(self) -> None:
        """Wait until it is ready; take other ports when somebody was quicker to take these."""
        for attempts_left in reversed(range(10)):
            try:
                return self.wait_until_ready()
            except PortTaken:
                if not attempts_left:
                    raise
                self._choose_ports()
                self.launch()

    def _explain(self, what: str) -> BrokerError:
        lines = self._log.read_text(errors="replace").strip().splitlines() or ["(nothing)"]
        text = "\n".join(lines)
        if "Address already in use" in text:
            return PortTaken(
                f"Port {self.port} or {self._controller} of 127.0.0.1 was taken by another program while Kafka was "
                "down. Start a new one with Kafka.start(), or end that program and call restart() again."
            )
        for number in (errno.ENOSPC, errno.EROFS, errno.EDQUOT):
            if os.strerror(number) in text:
                return _directory_error(self.directory, OSError(number, os.strerror(number)))
        said = [line for line in lines if " ERROR " in line or "Exception" in line or line.startswith("Error")]
        return BrokerError(f"Kafka {what}; it wrote: {(said or lines[-1:])[0].strip()[:300].rstrip('.')}")

    def kill(self) -> int | None:
        """SIGKILL, and wait for its end. Returns the exit code (-9 when it was running)."""
        if self.process is None:
            return None
        if self.pid is not None:
            reaper.kill_group(self.process.pid)
        code = self.process.wait()
        reaper.unregister("process", self.process.pid)
        return code

    def remove(self) -> None:
        """End it and remove its data."""
        self.kill()
        reaper.remove_directory(self.directory)
        reaper.unregister("directory", self.directory)


def _random_id() -> str:
    """A random id in the form Kafka uses; not with '-' in front, which its tool takes for an option."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


def _environment() -> dict[str, str]:
    """Without what a machine may have set for other Java programs."""
    others = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "JAVA_OPTIONS", "CLASSPATH")
    return {name: value for name, value in os.environ.items() if name not in others}


def _listening(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 0.5).close()
        return True
    return False
