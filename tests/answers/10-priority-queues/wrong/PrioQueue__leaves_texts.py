"""Keeps the texts in a hash and never removes them."""

REJECTED_BY = "leaves-behind"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        add = """
        local member = string.format('%016.0f', redis.call('INCR', KEYS[2]))
        redis.call('HSET', KEYS[1] .. ':text', member, ARGV[2])
        redis.call('ZADD', KEYS[1], ARGV[1], member)
        if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) then
            return redis.call('HGET', KEYS[1] .. ':text', redis.call('ZPOPMAX', KEYS[1])[1])
        end
        """
        return self.r.eval(add, 2, self.key, f"{self.key}:seq", level, message, self.bound)

    def pop(self):
        first = self.r.zpopmin(self.key)
        return self.r.hget(f"{self.key}:text", first[0][0]) if first else None
