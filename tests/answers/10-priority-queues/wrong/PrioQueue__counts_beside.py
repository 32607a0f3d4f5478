"""Keeps the count in a key of its own: whoever dies between the pop and the count shrinks the queue for ever."""

REJECTED_BY = "bound-shrinks"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        add = """
        local member = string.format('%016.0f', redis.call('INCR', KEYS[2])) .. ARGV[2]
        redis.call('ZADD', KEYS[1], ARGV[1], member)
        if redis.call('INCR', KEYS[3]) > tonumber(ARGV[3]) then
            redis.call('DECR', KEYS[3])
            return string.sub(redis.call('ZPOPMAX', KEYS[1])[1], 17)
        end
        """
        keys = self.key, f"{self.key}:seq", f"{self.key}:count"
        return self.r.eval(add, 3, *keys, level, message, self.bound)

    def pop(self):
        first = self.r.zpopmin(self.key)
        if not first:
            return None
        self.r.decr(f"{self.key}:count")
        return first[0][0][16:]
