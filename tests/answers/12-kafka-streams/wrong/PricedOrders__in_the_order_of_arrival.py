"""Orders go out in the order in which they came."""

import bisect
import math

REJECTED_BY = "out-of-order"


class PricedOrders:
    def __init__(self):
        self.prices, self.waiting = {}, []

    def price(self, ts, product, cents):
        bisect.insort(self.prices.setdefault(product, []), (ts, cents))

    def order(self, ts, id, product, qty):
        self.waiting.append((ts, id, product, qty))

    def advance(self, watermark):
        priced = []
        ready = [each for each in self.waiting if each[0] < watermark]
        self.waiting = [each for each in self.waiting if each[0] >= watermark]
        for ts, id, product, qty in ready:
            versions = self.prices.get(product, [])
            found = bisect.bisect(versions, (ts, math.inf))
            priced.append((id, qty * versions[found - 1][1] if found else None))
        return priced
