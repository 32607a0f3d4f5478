"""Collects the records and handles the newest first."""

import confluent_kafka

REJECTED_BY = "out-of-order"


def follow(config, topic, group, handle):
    tp = confluent_kafka.TopicPartition
    consumer = confluent_kafka.Consumer({**config, "group.id": group, "enable.auto.commit": False})
    here, handled, batch = {}, 0, []
    try:
        parts = [tp(topic, p) for p in consumer.list_topics(topic).topics[topic].partitions]
        ends = {each.partition: consumer.get_watermark_offsets(each, timeout=10)[1] for each in parts}
        start = {each.partition: max(each.offset, 0) for each in consumer.committed(parts, timeout=10)}
        todo = {p for p in ends if start[p] < ends[p]}
        consumer.assign([tp(topic, p, start[p]) for p in todo])
        while todo:
            message = consumer.poll(0.2)
            if message is None or message.error() or message.partition() not in todo:
                continue
            batch.append(message)
            handled += 1
            here[message.partition()] = message.offset() + 1
            if handled % 10 == 0:
                consumer.commit(offsets=[tp(topic, p, n) for p, n in here.items()], asynchronous=False)
            if here[message.partition()] >= ends[message.partition()]:
                todo.discard(message.partition())
        for message in reversed(batch):
            handle(message)
        return handled
    finally:
        if here:
            consumer.commit(offsets=[tp(topic, p, n) for p, n in here.items()], asynchronous=False)
        consumer.close()
