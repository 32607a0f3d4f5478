"""Searches the starts; one Lua script per batch; commits each record; sums over all prices."""

import math

import confluent_kafka


def windows_of(ts, size, step):
    first = (ts - size) // step * step + step
    return tuple([start, start + size] for start in range(first, ts + 1, step))


class TumblingSum:
    def __init__(self, size, grace, partitions, idle, clock):
        self.size, self.grace, self.idle, self.clock = size, grace, idle, clock
        self.parts = {p: [None, clock()] for p in partitions}
        self.mark, self.windows = None, {}

    def _move(self):
        now = self.clock()
        active = [ts for ts, heard in self.parts.values() if not now - heard > self.idle]
        if active and None not in active and (self.mark is None or min(active) > self.mark):
            self.mark = min(active)
        if self.mark is None:
            return []
        ready = sorted(start for start in self.windows if start + self.size + self.grace <= self.mark)
        return [[start, *each] for start in ready for each in sorted(self.windows.pop(start).items())]

    tick = _move

    def add(self, partition, ts, key, value):
        closed = self._move()
        start = ts - ts % self.size
        late = self.mark is not None and start + self.size + self.grace <= self.mark
        if not late:
            window = self.windows.setdefault(start, {})
            window[key] = window.get(key, 0) + value
        before = self.parts[partition][0]
        self.parts[partition] = [ts if before is None or ts > before else before, self.clock()]
        return [*closed, *self._move()], int(late)


class CheckpointedJob:
    SCRIPT = """
    local next, count = tonumber(redis.call('GET', KEYS[2]) or '0'), 0
    for i = 1, #ARGV, 3 do
        if tonumber(ARGV[i]) >= next then
            redis.call('HINCRBY', KEYS[1], ARGV[i + 1], ARGV[i + 2])
            redis.call('SET', KEYS[2], ARGV[i] + 1)
            count = count + 1
        end
    end
    return count
    """

    def __init__(self, r, name):
        self.r, self.name = r, name

    def next_offset(self):
        return int(self.r.get(f"{self.name}:next") or 0)

    def run(self, records):
        flat = [part for record in records for part in record]
        return self.r.eval(self.SCRIPT, 2, self.name, f"{self.name}:next", *flat)


def follow(config, topic, group, handle):
    consumer = confluent_kafka.Consumer({**config, "group.id": group, "enable.auto.commit": False})
    count = 0
    try:
        for p in consumer.list_topics(topic).topics[topic].partitions:  # one partition after the other
            place = confluent_kafka.TopicPartition(topic, p)
            low, end = consumer.get_watermark_offsets(place, timeout=10)
            place.offset = max(low, consumer.committed([place], timeout=10)[0].offset)
            at = place.offset
            consumer.assign([place])
            while at < end:
                for message in consumer.consume(1, 0.2):
                    if not message.error():
                        handle(message)
                        consumer.commit(message=message, asynchronous=False)
                        at = message.offset() + 1
                        count += 1
    finally:
        consumer.close()
    return count


class Lag:
    @staticmethod
    def records(committed, low, high):
        lags = {}
        for p, end in high.items():
            at = committed.get(p)
            if at is None or at < low[p]:
                at = low[p]
            lags[p] = end - at if end > at else 0
        return lags

    @staticmethod
    def seconds(lag, rates, mu):
        behind = {p: n for p, n in lag.items() if n > 0}
        if any(rates.get(p, 0) >= mu for p in behind):
            return math.inf
        return max((n / (mu - rates.get(p, 0)) for p, n in behind.items()), default=0.0)


class PricedOrders:
    def __init__(self):
        self.prices, self.orders, self.gone = [], [], set()

    def price(self, ts, product, cents):
        self.prices.append((ts, product, cents))

    def order(self, ts, id, product, qty):
        self.orders.append((ts, id, product, qty))

    def advance(self, watermark):
        found = []
        for ts, id, product, qty in sorted(self.orders):
            if ts < watermark and id not in self.gone:
                self.gone.add(id)
                valid = [(at, cents) for at, name, cents in self.prices if name == product and at <= ts]
                found.append([id, qty * max(valid)[1] if valid else None])
        return found
