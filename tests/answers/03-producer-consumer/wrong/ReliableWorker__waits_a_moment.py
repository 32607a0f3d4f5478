"""Waits a moment for a message."""

REJECTED_BY = "waits-for-work"


class ReliableWorker:
    def __init__(self, r, q, wid):
        self.r, self.q, self.wid = r, q, wid

    def put(self, item):
        self.r.rpush(self.q, item)

    def step(self, handler):
        mine = f"{self.q}:processing:{self.wid}"
        message = self.r.blmove(self.q, mine, 0.05, "LEFT", "RIGHT")
        if message is None:
            return False
        try:
            handler(message)
        except Exception:
            self.r.pipeline().rpush(self.q, message).lrem(mine, -1, message).execute()
            raise
        self.r.lrem(mine, -1, message)
        return True

    def recover(self, dead):
        count = 0
        while self.r.lmove(f"{self.q}:processing:{dead}", self.q, "RIGHT", "LEFT") is not None:
            count += 1
        return count
