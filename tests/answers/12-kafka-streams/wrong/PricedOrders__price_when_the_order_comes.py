"""Prices the order with what is known when it comes."""

import bisect
import math

REJECTED_BY = "price-of-another-time"


class PricedOrders:
    def __init__(self):
        self.prices, self.waiting = {}, []

    def price(self, ts, product, cents):
        bisect.insort(self.prices.setdefault(product, []), (ts, cents))

    def order(self, ts, id, product, qty):
        versions = self.prices.get(product, [])
        found = bisect.bisect(versions, (ts, math.inf))
        bisect.insort(self.waiting, (ts, id, qty * versions[found - 1][1] if found else -1))

    def advance(self, watermark):
        ready = [each for each in self.waiting if each[0] < watermark]
        self.waiting = self.waiting[len(ready) :]
        return [(id, None if total == -1 else total) for _, id, total in ready]
