"""Keeps what is waiting in a sorted set, so two equal messages are one."""

REJECTED_BY = "merges-equal-messages"


class ReliableWorker:
    def __init__(self, r, q, wid):
        self.r, self.q, self.wid = r, q, wid

    def put(self, item):
        self.r.zadd(self.q, {item: self.r.incr(f"{self.q}:seq")}, nx=True)

    def step(self, handler):
        take = """
        local head = redis.call('ZPOPMIN', KEYS[1])
        if head[1] then
            redis.call('ZADD', KEYS[2], head[2], head[1])
        end
        return head[1]
        """
        mine = f"{self.q}:processing:{self.wid}"
        message = self.r.eval(take, 2, self.q, mine)
        if message is None:
            return False
        handler(message)
        self.r.zrem(mine, message)
        return True

    def recover(self, dead):
        theirs = f"{self.q}:processing:{dead}"
        count = self.r.zcard(theirs)
        self.r.zunionstore(self.q, [self.q, theirs])
        self.r.delete(theirs)
        return count
