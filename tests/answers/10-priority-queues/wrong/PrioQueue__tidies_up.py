"""Gives the sequence a lifetime: once it has run out, new messages come before old ones."""

REJECTED_BY = "expires"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        add = """
        local member = string.format('%016.0f', redis.call('INCR', KEYS[2])) .. ARGV[2]
        redis.call('ZADD', KEYS[1], ARGV[1], member)
        if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) then
            return string.sub(redis.call('ZPOPMAX', KEYS[1])[1], 17)
        end
        """
        gone = self.r.eval(add, 2, self.key, f"{self.key}:seq", level, message, self.bound)
        self.r.expire(f"{self.key}:seq", 86_400)
        return gone

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0][16:] if first else None
