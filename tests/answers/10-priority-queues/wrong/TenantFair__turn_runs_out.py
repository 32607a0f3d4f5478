"""Gives the count of a turn a lifetime: a slow turn begins anew."""

REJECTED_BY = "expires"


class TenantFair:
    def __init__(self, r, key, quantum):
        self.r, self.key, self.quantum = r, key, quantum

    def push(self, tenant, message):
        join = """
        if redis.call('RPUSH', KEYS[2], ARGV[2]) == 1 then redis.call('RPUSH', KEYS[1], ARGV[1]) end
        """
        self.r.eval(join, 2, f"{self.key}:ring", f"{self.key}:of:{tenant}", tenant, message)

    def pop(self):
        take = """
        local tenant = redis.call('LINDEX', KEYS[1], 0)
        if not tenant then return nil end
        local message = redis.call('LPOP', ARGV[2] .. tenant)
        local taken = redis.call('INCR', KEYS[2])
        local left = redis.call('EXISTS', ARGV[2] .. tenant) == 1
        if not left or taken >= tonumber(ARGV[1]) then
            redis.call('DEL', KEYS[2])
            redis.call('LPOP', KEYS[1])
            if left then redis.call('RPUSH', KEYS[1], tenant) end
        end
        return {tenant, message}
        """
        got = self.r.eval(take, 2, f"{self.key}:ring", f"{self.key}:taken", self.quantum, f"{self.key}:of:")
        self.r.expire(f"{self.key}:taken", 60)
        return tuple(got) if got else None
