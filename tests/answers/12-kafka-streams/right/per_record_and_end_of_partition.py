"""A script per record, an offset that is there from the start, the client's own sign for the end of a partition."""

import bisect
import math
from collections import defaultdict

from confluent_kafka import Consumer, TopicPartition

LUA = """
if tonumber(ARGV[1]) < tonumber(redis.call('GET', KEYS[2])) then return 0 end
redis.call('HINCRBY', KEYS[1], ARGV[2], ARGV[3])
redis.call('SET', KEYS[2], ARGV[1] + 1)
return 1
"""


class CheckpointedJob:
    def __init__(self, r, name):
        self.name, self.place = name, f"{name}:offset"
        self.r, self.one = r, r.register_script(LUA)
        r.setnx(self.place, 0)

    def next_offset(self):
        return int(self.r.get(self.place))

    def run(self, records):
        return sum(self.one(keys=[self.name, self.place], args=record) for record in records)


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
                    live.discard(msg.partition())
                    continue
                handle(msg)
                done[msg.partition()] = msg.offset() + 1
                n += 1
            save()
    finally:
        save()
        consumer.close()
    return n


class PricedOrders:
    def __init__(self):
        self.prices, self.orders = defaultdict(list), []

    def price(self, ts, product, cents):
        bisect.insort(self.prices[product], (ts, cents))

    def order(self, ts, id, product, qty):
        bisect.insort(self.orders, (ts, id, product, qty))

    def advance(self, watermark):
        out = []
        while self.orders and self.orders[0][0] < watermark:
            ts, id, product, qty = self.orders.pop(0)
            known = self.prices[product]
            i = bisect.bisect_right(known, (ts, math.inf))
            out.append((id, qty * known[i - 1][1] if i else None))
        for known in self.prices.values():  # what no order can need any more
            del known[: max(0, bisect.bisect_left(known, (watermark,)) - 1)]
        return out
