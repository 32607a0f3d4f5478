"""The message is the member: equal scores go by bytes, and equal messages are one."""

REJECTED_BY = "equal-are-one"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        add = """
        local member = ARGV[2]
        redis.call('ZADD', KEYS[1], ARGV[1], member)
        if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) then
            return string.sub(redis.call('ZPOPMAX', KEYS[1])[1], 1)
        end
        """
        return self.r.eval(add, 2, self.key, f"{self.key}:seq", level, message, self.bound)

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0] if first else None
