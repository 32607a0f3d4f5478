"""Recovery copies the list and deletes it afterwards: two that recover at once copy it twice."""

REJECTED_BY = "recovers-twice"


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
        theirs = f"{self.q}:processing:{dead}"
        messages = self.r.lrange(theirs, 0, -1)
        if messages:
            with self.r.pipeline() as both:
                both.lpush(self.q, *reversed(messages)).delete(theirs).execute()
        return len(messages)
