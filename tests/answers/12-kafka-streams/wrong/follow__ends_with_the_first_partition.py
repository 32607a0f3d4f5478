"""The end of one partition is taken for the end of the topic."""

from confluent_kafka import Consumer, TopicPartition

REJECTED_BY = "stops-early"


def follow(config, topic, group, handle):
    consumer = Consumer({**config, "group.id": group, "enable.auto.commit": False, "enable.partition.eof": True})
    parts = list(consumer.list_topics(topic).topics[topic].partitions)
    at = {
        tp.partition: max(0, tp.offset)
        for tp in consumer.committed([TopicPartition(topic, p) for p in parts], timeout=10)
    }
    consumer.assign([TopicPartition(topic, p, o) for p, o in at.items()])
    live, n = set(parts), 0
    done = {}

    def save():
        if done:
            consumer.commit(offsets=[TopicPartition(topic, p, o) for p, o in done.items()], asynchronous=False)
            done.clear()

    try:
        while live:
            for msg in consumer.consume(20, 0.1):
                if msg.error():
                    live.clear()
                    continue
                handle(msg)
                done[msg.partition()] = msg.offset() + 1
                n += 1
            save()
    finally:
        save()
        consumer.close()
    return n
