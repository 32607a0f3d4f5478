"""The consumer of the checks: slow only where the check says so, and only inside."""

import confluent_kafka
import pytest
from confluent_kafka import Consumer, TopicPartition

from mqlab.checks.kafka_consumer import Slow, watched
from mqlab.checks.outcomes import NotYet
from mqlab.kafka import Kafka
from mqlab.kafka_standin import StandIn


@pytest.fixture(scope="module")
def kafka():
    kafka = Kafka(StandIn(), found="started by the test")
    yield kafka
    kafka.close()


def first(config, topic, tries=50):
    """Reads one record and commits it without waiting. (polls that found nothing before it, the commit then)"""
    consumer = Consumer({**config, "group.id": topic, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    empty = 0
    while (message := consumer.poll(5)) is None and empty < tries:
        empty += 1
    consumer.commit(message)
    before = consumer.committed([TopicPartition(topic, 0)], timeout=10)[0].offset
    consumer.close()
    return empty, before


def written(kafka, name):
    topic, producer = kafka.create_topic(name), kafka.producer()
    producer.produce(topic, "1")
    producer.flush(10)
    return topic


def committed(kafka, topic):
    reader = kafka.consumer(group_id=topic)
    found = reader.committed([TopicPartition(topic, 0)], timeout=10)[0].offset
    reader.close()
    return found


def test_slow_polls_find_nothing_and_slow_commits_arrive_in_close(kafka):
    topic = written(kafka, "slow")
    with watched(first, Slow(nothing=3, commits=True)) as made:
        empty, before = first(kafka.config, topic)
    assert (empty, before) == (3, -1001)
    assert committed(kafka, topic) == 1
    assert [each.closed for each in made] == [True]


def test_nothing_is_slow_by_default_and_the_names_come_back(kafka):
    topic = written(kafka, "quick")
    with watched(first) as made:
        empty, _ = first(kafka.config, topic)
    assert empty == 0 and len(made) == 1 and committed(kafka, topic) == 1
    assert Consumer is confluent_kafka.Consumer and type(made[0]) is not Consumer


def test_subscribe_is_told(kafka):
    def answer():
        consumer = Consumer({**kafka.config, "group.id": "told"})
        try:
            consumer.subscribe(["told"])
        finally:
            consumer.close()

    with watched(answer), pytest.raises(NotYet) as told:
        answer()
    assert told.value.code == "subscribes"
