"""Streams per level, one fixed schedule of turns, urgency times alpha, a ring that is a sorted set."""


class PrioQueue:
    PUSH = """
    local waiting = 0
    for _, key in ipairs(KEYS) do waiting = waiting + redis.call('XLEN', key) end
    redis.call('XADD', KEYS[ARGV[1] + 1], '*', 'message', ARGV[2])
    if waiting < tonumber(ARGV[3]) then return false end
    for n = #KEYS, 1, -1 do
        local last = redis.call('XREVRANGE', KEYS[n], '+', '-', 'COUNT', 1)[1]
        if last then
            redis.call('XDEL', KEYS[n], last[1])
            return last[2][2]
        end
    end
    """
    POP = """
    for _, key in ipairs(KEYS) do
        local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
        if first then
            redis.call('XDEL', key, first[1])
            return first[2][2]
        end
    end
    """

    def __init__(self, r, key, bound):
        self.r, self.keys, self.bound = r, [f"{key}:{level}" for level in range(10)], bound

    def push(self, message, level):
        return self.r.eval(self.PUSH, 10, *self.keys, level, message, self.bound)

    def pop(self):
        return self.r.eval(self.POP, 10, *self.keys)


class SmoothWRR:
    """Class by class, each turn at its place in the round; those of absent classes are skipped."""

    def __init__(self, weights):
        places = [((n + 0.5) / weight, name) for name, weight in weights.items() for n in range(weight)]
        self.schedule, self.turn = [name for _, name in sorted(places)], 0

    def next(self, nonempty):
        while nonempty:
            name = self.schedule[self.turn]
            self.turn = (self.turn + 1) % len(self.schedule)
            if name in nonempty:
                return name
        return None


class AgeingQueue:
    def __init__(self, r, key, alpha, clock):
        self.r, self.key, self.alpha, self.clock = r, key, alpha, clock

    def push(self, message, prio):
        number = self.r.incr(f"{self.key}:seq")
        self.r.zadd(self.key, {f"{number:020d}{message}": prio + self.alpha * self.clock()})

    def pop(self):
        while first := self.r.zrange(self.key, 0, 0):
            if self.r.zrem(self.key, first[0]):
                return first[0][20:]
        return None


class TenantFair:
    PUSH = """
    if redis.call('RPUSH', KEYS[3], ARGV[2]) == 1 then
        redis.call('ZADD', KEYS[1], redis.call('INCR', KEYS[2]), ARGV[1])
    end
    """
    POP = """
    local tenant = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
    if not tenant then return false end
    local list, taken = ARGV[2] .. tenant, redis.call('INCR', KEYS[3])
    local message = redis.call('LPOP', list)
    local left = redis.call('EXISTS', list) == 1
    if left and taken < tonumber(ARGV[1]) then return {tenant, message} end
    redis.call('DEL', KEYS[3])
    redis.call('ZREM', KEYS[1], tenant)
    if left then redis.call('ZADD', KEYS[1], redis.call('INCR', KEYS[2]), tenant) end
    return {tenant, message}
    """

    def __init__(self, r, key, quantum):
        self.r, self.quantum, self.of = r, quantum, f"{key}:of:"
        self.keys = [f"{key}:{name}" for name in ("ring", "seq", "taken")]

    def push(self, tenant, message):
        self.r.eval(self.PUSH, 3, *self.keys[:2], self.of + tenant, tenant, message)

    def pop(self):
        return self.r.eval(self.POP, 3, *self.keys, self.quantum, self.of)
