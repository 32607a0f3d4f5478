"""Drops the message that came last, whatever its level, unless it is the new one."""

REJECTED_BY = "wrong-victim"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.key, self.bound = r, key, bound

    def push(self, message, level):
        add = """
        local member = string.format('%016.0f', redis.call('INCR', KEYS[2])) .. ARGV[2]
        redis.call('ZADD', KEYS[1], ARGV[1], member)
        if redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[3]) then
            local all = redis.call('ZRANGE', KEYS[1], 0, -1)
            table.sort(all)
            local victim = redis.call('ZSCORE', KEYS[1], all[#all]) == '0' and all[#all - 1] or all[#all]
            redis.call('ZREM', KEYS[1], victim)
            return string.sub(victim, 17)
        end
        """
        return self.r.eval(add, 2, self.key, f"{self.key}:seq", level, message, self.bound)

    def pop(self):
        first = self.r.zpopmin(self.key)
        return first[0][0][16:] if first else None
