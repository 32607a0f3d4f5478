"""Takes the message out of the queue before it is handled."""

REJECTED_BY = "acks-first"


class ReliableWorker:
    def __init__(self, r, q, wid):
        self.r, self.q, self.wid = r, q, wid

    def put(self, item):
        self.r.rpush(self.q, item)

    def step(self, handler):
        message = self.r.lpop(self.q)
        if message is None:
            return False
        try:
            handler(message)
        except Exception:
            self.r.rpush(self.q, message)
            raise
        return True

    def recover(self, dead):
        count = 0
        while self.r.lmove(f"{self.q}:processing:{dead}", self.q, "RIGHT", "LEFT"):
            count += 1
        return count
