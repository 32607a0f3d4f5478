"""Two classes instead of ten levels."""

REJECTED_BY = "wrong-levels"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        self.r.rpush(f"{self.key}:{0 if level < 5 else 1}", message)

    def pop(self):
        either = "return redis.call('LPOP', KEYS[1]) or redis.call('LPOP', KEYS[2])"
        return self.r.eval(either, 2, f"{self.key}:0", f"{self.key}:1")
