"""Orders that have gone out go out again."""

import bisect
import math

REJECTED_BY = "emitted-twice"


class PricedOrders:
    def __init__(self):
        self.prices, self.waiting = {}, []

    def price(self, ts, product, cents):
        bisect.insort(self.prices.setdefault(product, []), (ts, cents))

    def order(self, ts, id, product, qty):
        bisect.insort(self.waiting, (ts, id, product, qty))

    def advance(self, watermark):
        priced = []
        for ts, id, product, qty in self.waiting:
            if ts >= watermark:
                break
            versions = self.prices.get(product, [])
            found = bisect.bisect(versions, (ts, math.inf))
            priced.append((id, qty * versions[found - 1][1] if found else None))
        return priced
