"""Takes the tenant out of the ring, then its message, then puts it back."""

REJECTED_BY = "loses-in-a-crash"


class TenantFair:
    def __init__(self, r, key, quantum):
        self.r, self.key, self.quantum = r, key, quantum

    def push(self, tenant, message):
        join = """
        if redis.call('RPUSH', KEYS[2], ARGV[2]) == 1 then redis.call('RPUSH', KEYS[1], ARGV[1]) end
        """
        self.r.eval(join, 2, f"{self.key}:ring", f"{self.key}:of:{tenant}", tenant, message)

    def pop(self):
        tenant = self.r.lpop(f"{self.key}:ring")
        if tenant is None:
            return None
        take = """
        local message = redis.call('LPOP', KEYS[2])
        local taken = redis.call('INCR', KEYS[3])
        local left = redis.call('EXISTS', KEYS[2]) == 1
        if not left or taken >= tonumber(ARGV[1]) then
            redis.call('DEL', KEYS[3])
            if left then redis.call('RPUSH', KEYS[1], ARGV[2]) end
        else
            redis.call('LPUSH', KEYS[1], ARGV[2])
        end
        return message
        """
        keys = f"{self.key}:ring", f"{self.key}:of:{tenant}", f"{self.key}:taken"
        return tenant, self.r.eval(take, 3, *keys, self.quantum, tenant)
