"""A Kafka cluster that somebody else runs and others use too: the one KAFKA_BOOTSTRAP names.

What it can do is tried out at once, on a topic of our own. Where it wants a login, as managed clusters do, that is
given by further variables named after librdkafka's settings; no message quotes them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from mqlab.kafka_node import QUIET
from mqlab.server import BrokerError

PATIENCE = 10  # seconds to wait for a connection, and for an answer
OR_UNSET = "or unset KAFKA_BOOTSTRAP to use the Kafka that comes with the course."
# The variable of each is its name in capitals with KAFKA_ in front: KAFKA_SASL_USERNAME.
SETTINGS = (
    "security.protocol",
    "sasl.mechanism",
    "sasl.username",
    "sasl.password",
    "ssl.ca.location",
    "ssl.certificate.location",
    "ssl.key.location",
    "ssl.key.password",
)


def settings() -> dict:
    """What a client needs to connect, and to be quiet about it."""
    given = {name: os.environ.get(f"KAFKA_{name.replace('.', '_').upper()}") for name in SETTINGS}
    where = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP"].strip(), **QUIET}
    return where | {name: value for name, value in given.items() if value}


def new_prefix() -> str:
    return f"{os.environ.get('MQLAB_PREFIX', '')}mq-{secrets.token_hex(3)}."


def connect(config: dict, prefix: str) -> tuple[int, set[str]]:
    """(number of brokers, what was tried and works of "admin", "transactions", "time_lookup", "new_groups").

    Raises BrokerError when it cannot be reached or gives us no topic; leaves nothing behind.
    """
    try:
        admin = AdminClient({**config, "socket.connection.setup.timeout.ms": PATIENCE * 1000})
    except KafkaException as error:
        raise BrokerError(
            f"KAFKA_BOOTSTRAP and its settings are refused by the client: {reason(error)}. Correct them, {OR_UNSET}"
        ) from None
    where = config["bootstrap.servers"]
    try:
        brokers = len(admin.list_topics(timeout=PATIENCE).brokers)
    except KafkaException as error:
        raise BrokerError(
            f"KAFKA_BOOTSTRAP: no cluster can be used at {where} ({reason(error)}). Start it, check host, port and "
            f"login (KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_…), {OR_UNSET}"
        ) from None
    topic = prefix + "probe"
    try:
        made = admin.create_topics([NewTopic(topic, 1, -1)], operation_timeout=PATIENCE, request_timeout=PATIENCE)
        made[topic].result()
    except KafkaException as error:
        raise BrokerError(
            f"KAFKA_BOOTSTRAP: the cluster at {where} made no topic {topic} ({reason(error)}). Allow this user to "
            f"create and delete topics that start with mq- (MQLAB_PREFIX puts something in front), {OR_UNSET}"
        ) from None
    try:
        return brokers, {"admin"} | {name for name, works in TRIALS.items() if _tried(works, config, topic)}
    finally:
        with contextlib.suppress(BrokerError):  # it is tried once more at the end
            remove(config, prefix)


def _tried(works, config: dict, topic: str) -> bool:
    with contextlib.suppress(KafkaException):
        return works(config, topic)
    return False


def _transactions(config: dict, topic: str) -> bool:
    """Whether a reader of committed records is spared an aborted one, and gets what follows it."""
    producer = Producer({**config, "transactional.id": topic})
    producer.init_transactions(PATIENCE)
    for value, end in ((b"aborted", producer.abort_transaction), (b"committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.flush(PATIENCE)
        end(PATIENCE)
    with _reading(config, topic, **{"group.id": topic}) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(PATIENCE)
    return message is not None and not message.error() and message.value() == b"committed"


def _time_lookup(config: dict, topic: str) -> bool:
    with _reading(config, topic, **{"group.id": topic}) as consumer:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), PATIENCE)
        (found,) = consumer.offsets_for_times([TopicPartition(topic, 0, 0)], PATIENCE)
    return found.error is None and high > low and found.offset == low


def _new_groups(config: dict, topic: str) -> bool:
    """Whether a member of the new protocol (KIP-848) is given its partition."""
    with _reading(config, topic, **{"group.id": topic, "group.protocol": "consumer"}) as consumer:
        consumer.subscribe([topic])
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not consumer.assignment():
            message = consumer.poll(0.1)
            if message is not None and message.error():
                return False
        return bool(consumer.assignment())


TRIALS = {"transactions": _transactions, "time_lookup": _time_lookup, "new_groups": _new_groups}


@contextlib.contextmanager
def _reading(config: dict, topic: str, **more):
    consumer = Consumer({**config, "auto.offset.reset": "earliest", **more})
    try:
        yield consumer
    finally:
        consumer.close()


def remove(config: dict, prefix: str) -> None:
    """Delete the topics and the groups whose names start with `prefix`, and no others. Raises BrokerError."""
    try:
        admin = AdminClient(config)
        topics = [name for name in admin.list_topics(timeout=PATIENCE).topics if name.startswith(prefix)]
        found = admin.list_consumer_groups(request_timeout=PATIENCE).result()
        groups = [group.group_id for group in found.valid if group.group_id.startswith(prefix)]
        if groups:
            for deleted in admin.delete_consumer_groups(groups, request_timeout=PATIENCE).values():
                with contextlib.suppress(KafkaException):  # members that have just gone still count; it expires
                    deleted.result()
        if topics:
            for deleted in admin.delete_topics(topics, operation_timeout=PATIENCE, request_timeout=PATIENCE).values():
                deleted.result()
    except KafkaException as error:
        raise BrokerError(
            f"Your topics on the cluster of KAFKA_BOOTSTRAP, which start with {prefix}, could not be removed "
            f"({reason(error)}). It is tried once more when this kernel ends."
        ) from None


def reason(error: KafkaException) -> str:
    text = error.args[0].str() if error.args and hasattr(error.args[0], "str") else str(error)
    return (text.strip().splitlines() or ["nothing said"])[0].rstrip(".")
