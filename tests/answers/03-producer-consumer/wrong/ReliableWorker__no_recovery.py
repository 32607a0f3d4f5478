"""Stores the message safely, and has no way back from there."""

REJECTED_BY = "never-recovered"


class ReliableWorker:
    def __init__(self, r, q, wid):
        self.r, self.q, self.wid = r, q, wid

    def put(self, item):
        self.r.rpush(self.q, item)

    def step(self, handler):
        mine = f"{self.q}:processing:{self.wid}"
        message = self.r.lmove(self.q, mine, "LEFT", "RIGHT")
        if message is None:
            return False
        try:
            handler(message)
        except Exception:
            with self.r.pipeline() as both:
                both.rpush(self.q, message).lrem(mine, -1, message).execute()
            raise
        self.r.lrem(mine, -1, message)
        return True

    def recover(self, dead):
        return self.r.llen(f"{self.q}:processing:{dead}")
