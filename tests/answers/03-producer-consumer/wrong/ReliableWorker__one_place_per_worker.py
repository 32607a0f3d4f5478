"""Keeps the message in one place per worker: a second crash under the same name overwrites it."""

REJECTED_BY = "lost-in-a-crash"


class ReliableWorker:
    def __init__(self, r, q, wid):
        self.r, self.q, self.wid = r, q, wid

    def put(self, item):
        self.r.rpush(self.q, item)

    def step(self, handler):
        take = """
        local message = redis.call('LPOP', KEYS[1])
        if message then
            redis.call('SET', KEYS[2], message)
        end
        return message
        """
        mine = f"{self.q}:processing:{self.wid}"
        message = self.r.eval(take, 2, self.q, mine)
        if message is None:
            return False
        try:
            handler(message)
        except Exception:
            with self.r.pipeline() as both:
                both.rpush(self.q, message).delete(mine).execute()
            raise
        self.r.delete(mine)
        return True

    def recover(self, dead):
        give = """
        local message = redis.call('GET', KEYS[2])
        if not message then
            return 0
        end
        redis.call('LPUSH', KEYS[1], message)
        return redis.call('DEL', KEYS[2])
        """
        return self.r.eval(give, 2, self.q, f"{self.q}:processing:{dead}")
