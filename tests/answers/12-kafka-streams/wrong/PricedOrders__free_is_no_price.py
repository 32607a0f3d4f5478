"""A price of 0 is taken for no price."""

import bisect
import math
from collections import defaultdict

REJECTED_BY = "free-is-a-price"


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
            out.append((id, qty * known[i - 1][1] if i and known[i - 1][1] else None))
        return out
