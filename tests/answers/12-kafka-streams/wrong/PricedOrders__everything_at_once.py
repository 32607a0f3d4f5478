"""All orders go out, whatever the watermark is."""

import bisect
import math

REJECTED_BY = "emitted-early"


class PricedOrders:
    def __init__(self):
        self.prices, self.waiting = {}, []

    def price(self, ts, product, cents):
        bisect.insort(self.prices.setdefault(product, []), (ts, cents))

    def order(self, ts, id, product, qty):
        bisect.insort(self.waiting, (ts, id, product, qty))

    def advance(self, watermark):
        priced = []
        while self.waiting:
            ts, id, product, qty = self.waiting.pop(0)
            versions = self.prices.get(product, [])
            found = bisect.bisect(versions, (ts, math.inf))
            priced.append((id, qty * versions[found - 1][1] if found else None))
        return priced
