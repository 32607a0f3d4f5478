"""Takes all that waits into its own list, out of reach of all others."""

REJECTED_BY = "takes-too-many"


class ReliableWorker:
    def __init__(self, r, q, wid):
        self.r, self.q, self.wid = r, q, wid

    def put(self, item):
        self.r.rpush(self.q, item)

    def step(self, handler):
        mine = f"{self.q}:processing:{self.wid}"
        while self.r.lmove(self.q, mine, "LEFT", "RIGHT"):
            pass
        message = self.r.lindex(mine, 0)
        if message is None:
            return False
        try:
            handler(message)
        except Exception:
            with self.r.pipeline() as both:
                both.lpop(mine).rpush(mine, message).execute()
            raise
        self.r.lpop(mine)
        return True

    def recover(self, dead):
        count = 0
        while self.r.lmove(f"{self.q}:processing:{dead}", self.q, "RIGHT", "LEFT"):
            count += 1
        return count
