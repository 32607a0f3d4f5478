"""Counts what is there, then moves as many."""

REJECTED_BY = "counts-what-it-saw"


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
            self.r.pipeline().rpush(self.q, message).lrem(mine, -1, message).execute()
            raise
        self.r.lrem(mine, -1, message)
        return True

    def recover(self, dead):
        theirs = f"{self.q}:processing:{dead}"
        count = self.r.llen(theirs)
        for _ in range(count):
            self.r.lmove(theirs, self.q, "RIGHT", "LEFT")
        return count
