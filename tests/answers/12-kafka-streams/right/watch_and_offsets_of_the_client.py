"""WATCH and MULTI with the sums read and written; offsets that the client stores, and commits at the end."""

import confluent_kafka
import redis


def windows_of(ts, size, step):
    return (
        [(ts - back, ts - back + size) for back in range(size - 1, -1, -1) if (ts - back) % step == 0]
        if (size < 10**6)
        else sorted((start, start + size) for start in range(ts - ts % step, ts - size, -step))
    )


class CheckpointedJob:
    def __init__(self, r, name):
        self.r, self.name, self.place = r, name, f"{name}:checkpoint"

    def next_offset(self):
        return int(self.r.hget(self.place, "next") or 0)

    def run(self, records):
        while True:
            try:
                return self.r.transaction(lambda p: self._once(p, records), self.place, value_from_callable=True)
            except redis.WatchError:
                continue

    def _once(self, p, records):
        known = int(p.hget(self.place, "next") or 0)
        sums, count = {}, 0
        for offset, key, value in records:
            if offset >= known:
                sums[key] = sums.get(key, 0) + value
                count += 1
        p.multi()
        for key, value in sums.items():
            p.hincrby(self.name, key, value)
        if count:
            p.hset(self.place, "next", records[-1][0] + 1)
        return count


def follow(config, topic, group, handle):
    settings = {"group.id": group, "enable.auto.commit": False, "enable.auto.offset.store": False,
                "enable.partition.eof": True, "auto.offset.reset": "earliest"}  # fmt: skip
    consumer = confluent_kafka.Consumer({**config, **settings})
    try:
        open_ones = set(consumer.list_topics(topic).topics[topic].partitions)
        consumer.assign([confluent_kafka.TopicPartition(topic, p, confluent_kafka.OFFSET_STORED) for p in open_ones])
        count = 0
        while open_ones:
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                if message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                    open_ones.discard(message.partition())
                continue
            handle(message)
            consumer.store_offsets(message)
            count += 1
            if count % 15 == 0:
                consumer.commit(asynchronous=False)
        return count
    finally:
        try:
            consumer.commit(asynchronous=False)
        except confluent_kafka.KafkaException:
            pass  # nothing to commit
        consumer.close()
