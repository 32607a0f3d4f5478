"""Looks at the head of the queue, handles it, and takes it out at the end."""

REJECTED_BY = "handed-out-twice"


class ReliableWorker:
    def __init__(self, r, q, wid):
        self.r, self.q, self.wid = r, q, wid

    def put(self, item):
        self.r.rpush(self.q, item)

    def step(self, handler):
        message = self.r.lindex(self.q, 0)
        if message is None:
            return False
        mine = f"{self.q}:processing:{self.wid}"
        with self.r.pipeline() as both:
            both.lpop(self.q).rpush(mine, message).execute()
        try:
            handler(message)
        except Exception:
            with self.r.pipeline() as both:
                both.rpush(self.q, message).lrem(mine, -1, message).execute()
            raise
        self.r.lrem(mine, -1, message)
        return True

    def recover(self, dead):
        count = 0
        while self.r.lmove(f"{self.q}:processing:{dead}", self.q, "RIGHT", "LEFT"):
            count += 1
        return count
