"""Lifts a message to prio 0 when its time is up, and ranks the others by prio alone."""

REJECTED_BY = "wrong-in-the-long-run"


class AgeingQueue:
    def __init__(self, r, key, alpha, clock):
        self.r, self.key, self.alpha, self.clock = r, key, alpha, clock

    def push(self, message, prio):
        score = prio / self.alpha + self.clock()
        self.r.rpush(f"{self.key}:{prio}", f"{score!r} {message}")

    def pop(self):
        take = """
        local best, least = nil, 0
        for prio, key in ipairs(KEYS) do
            local due = tonumber(string.match(redis.call('LINDEX', key, 0) or '', '^[^ ]+'))
            if due then
                local rank = due <= tonumber(ARGV[1]) and due - 1e12 or prio
                if not best or rank < least then best, least = key, rank end
            end
        end
        return best and redis.call('LPOP', best)
        """
        got = self.r.eval(take, 10, *[f"{self.key}:{prio}" for prio in range(10)], repr(self.clock()))
        return got.split(" ", 1)[1] if got else None
