"""Asks the ten lists one after the other: while it looks at level 5, level 0 gets a message."""

REJECTED_BY = "urgent-overlooked"


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
        return self.r.eval(add, 10, *self.keys, level, message, self.bound)

    def pop(self):
        for key in self.keys:
            if (message := self.r.lpop(key)) is not None:
                return message
        return None
