"""Keeps the messages in the process."""

import heapq
import itertools

COUNT = itertools.count()

REJECTED_BY = "loses-messages"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound, self.heap = r, key, bound, []

    def push(self, message, level):
        heapq.heappush(self.heap, (level, next(COUNT), message))

    def pop(self):
        return heapq.heappop(self.heap)[2] if self.heap else None
