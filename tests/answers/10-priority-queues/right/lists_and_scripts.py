"""A list per level, per priority and per tenant: order by nature. Scripts look at the heads."""


class PrioQueue:
    PUSH = """
    local waiting, victim = 0, nil
    for _, key in ipairs(KEYS) do waiting = waiting + redis.call('LLEN', key) end
    redis.call('RPUSH', KEYS[ARGV[1] + 1], ARGV[2])
    if waiting < tonumber(ARGV[3]) then return false end
    for n = #KEYS, 1, -1 do
        victim = redis.call('RPOP', KEYS[n])
        if victim then return victim end
    end
    """
    POP = """
    for _, key in ipairs(KEYS) do
        local message = redis.call('LPOP', key)
        if message then return message end
    end
    """

    def __init__(self, r, key, bound):
        self.r, self.keys, self.bound = r, [f"{key}:{level}" for level in range(10)], bound
        self.add, self.take = r.register_script(self.PUSH), r.register_script(self.POP)

    def push(self, message, level):
        return self.add(keys=self.keys, args=[level, message, self.bound])

    def pop(self):
        return self.take(keys=self.keys)


class SmoothWRR:
    def __init__(self, weights):
        self.weights, self.current = weights.copy(), {}

    def next(self, nonempty):
        best, total = None, 0
        for name, weight in self.weights.items():
            if name not in nonempty:
                continue
            total += weight
            self.current[name] = self.current.get(name, 0) + weight
            if best is None or self.current[name] > self.current[best]:
                best = name
        if best is not None:
            self.current[best] -= total
        return best


class AgeingQueue:
    POP = """
    local best, least = nil, nil
    for n, key in ipairs(KEYS) do
        local head = redis.call('LINDEX', key, 0)
        local since = head and tonumber(string.match(head, '^[^|]+'))
        local rank = since and (n - 1) / ARGV[1] + since
        if rank and (not least or rank < least) then best, least = key, rank end
    end
    return best and redis.call('LPOP', best)
    """

    def __init__(self, r, key, alpha, clock):
        self.r, self.keys, self.alpha, self.clock = r, [f"{key}:{prio}" for prio in range(10)], alpha, clock

    def push(self, message, prio):
        self.r.rpush(self.keys[prio], f"{self.clock():.9f}|{message}")

    def pop(self):
        found = self.r.eval(self.POP, 10, *self.keys, self.alpha)
        return found.split("|", 1)[1] if found else None


class TenantFair:
    PUSH = """
    redis.call('RPUSH', KEYS[2], ARGV[2])
    if redis.call('LLEN', KEYS[2]) == 1 then redis.call('RPUSH', KEYS[1], '0:' .. ARGV[1]) end
    """
    POP = """
    local entry = redis.call('LPOP', KEYS[1])
    if not entry then return false end
    local taken, tenant = string.match(entry, '^(%d+):(.*)$')
    local list = KEYS[1] .. '/' .. tenant
    local message = redis.call('LPOP', list)
    if redis.call('LLEN', list) > 0 then
        if taken + 1 < tonumber(ARGV[1]) then
            redis.call('LPUSH', KEYS[1], string.format('%d', taken + 1) .. ':' .. tenant)
        else
            redis.call('RPUSH', KEYS[1], '0:' .. tenant)
        end
    end
    return {tenant, message}
    """

    def __init__(self, r, key, quantum):
        self.r, self.ring, self.quantum = r, key, quantum

    def push(self, tenant, message):
        self.r.eval(self.PUSH, 2, self.ring, f"{self.ring}/{tenant}", tenant, message)

    def pop(self):
        return self.r.eval(self.POP, 1, self.ring, self.quantum)
