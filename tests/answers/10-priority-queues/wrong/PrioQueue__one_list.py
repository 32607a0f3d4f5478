"""One list for all levels."""

REJECTED_BY = "ignores-levels"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        self.r.rpush(self.key, message)

    def pop(self):
        return self.r.lpop(self.key)
