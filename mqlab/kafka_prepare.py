"""What is done once on a machine, so that Kafka starts quickly ever after; `make kafka` calls it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from mqlab import kafka_jars
from mqlab.kafka_java import Java, archive_path
from mqlab.kafka_node import FIRST, OPTIONS, PATIENCE, QUIET, TEMPLATE, Node

KEPT = 3  # archives of 70 MB: one for each Java, and so for each environment


def prepare(jars: Path, java: Java) -> bool:
    """Make what halves the time of each start, if it is not there (10 s). Returns whether it was made."""
    with kafka_jars.alone():
        archive = archive_path(jars, java, OPTIONS)
        if archive.exists() and (jars / TEMPLATE).exists():
            return False
        being_made = archive.with_suffix(".new")
        node = Node(jars, java, make_archive=being_made)
        try:
            if not (jars / TEMPLATE).exists():
                copy = shutil.copy(Path(node.directory, "data", FIRST), jars / "template.new")
                os.replace(copy, jars / TEMPLATE)
            node.start_somewhere()
            with contextlib.suppress(KafkaException):
                _exercise(node.bootstrap)
            node.process.send_signal(signal.SIGTERM)  # the archive is written when it ends in an orderly way
            with contextlib.suppress(subprocess.TimeoutExpired):
                node.process.wait(PATIENCE)
        finally:
            node.remove()
        being_made.touch()
        os.replace(being_made, archive)
        for old in sorted(jars.glob("*.archive"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
            old.unlink()
        return True


def _exercise(bootstrap: str) -> None:
    """Have Kafka do a little of all that lessons do, so that the archive holds what that needs."""
    settings = {"bootstrap.servers": bootstrap, **QUIET}
    admin = AdminClient(settings)
    admin.create_topics([NewTopic("a", 1, 1)], request_timeout=PATIENCE)["a"].result()
    producer = Producer({**settings, "transactional.id": "a"})
    producer.init_transactions(PATIENCE)
    producer.begin_transaction()
    producer.produce("a", b"value", b"key")
    producer.commit_transaction(PATIENCE)
    for protocol in ("consumer", "classic"):
        consumer = Consumer(
            {**settings, "group.id": protocol, "group.protocol": protocol, "auto.offset.reset": "earliest"}
        )
        consumer.subscribe(["a"])
        if consumer.poll(PATIENCE) is not None:
            consumer.commit(asynchronous=False)
        consumer.close()
