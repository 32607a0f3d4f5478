"""Takes an empty message that had to go for no message."""

REJECTED_BY = "drops-silently"


class PrioQueue:
    def __init__(self, r, key, bound):
        self.r, self.keys, self.bound = r, [f"{key}:{level}" for level in range(10)], bound

    def push(self, message, level):
        add = """
        local waiting = 0
        for _, key in ipairs(KEYS) do waiting = waiting + redis.call('LLEN', key) end
        redis.call('RPUSH', KEYS[ARGV[1] + 1], ARGV[2])
        if waiting < tonumber(ARGV[3]) then return false end
        for n = #KEYS, 1, -1 do
            local victim = redis.call('RPOP', KEYS[n])
            if victim then return victim end
        end
        """
        return self.r.eval(add, 10, *self.keys, level, message, self.bound) or None

    def pop(self):
        found = self.r.lmpop(10, *self.keys, direction="LEFT")
        return found[1][0] if found else None
