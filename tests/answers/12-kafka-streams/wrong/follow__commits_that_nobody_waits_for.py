"""commit() after each record, which does not wait."""

import confluent_kafka
from confluent_kafka import Consumer, TopicPartition

REJECTED_BY = "commits-unseen"


def follow(config, topic, group, handle):
    consumer = Consumer({**config, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    try:
        parts = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        todo, count, places = {}, 0, []
        for tp in consumer.committed([TopicPartition(topic, p) for p in parts], timeout=10):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, tp.partition), timeout=10)
            at = max(tp.offset, low, 0)
            if at < high:
                places.append(TopicPartition(topic, tp.partition, at))
                todo[tp.partition] = high
        consumer.assign(places)
        while todo:
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                raise confluent_kafka.KafkaException(message.error())
            p = message.partition()
            if p not in todo:
                continue
            handle(message)
            count += 1
            consumer.commit(message)
            if message.offset() + 1 >= todo[p]:
                del todo[p]
        return count
    finally:
        consumer.close()
