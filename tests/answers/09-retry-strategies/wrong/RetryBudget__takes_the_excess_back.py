"""INCRBYFLOAT, and a second command takes out what does not fit: two workers take it out twice."""

REJECTED_BY = "loses-tokens"


class RetryBudget:
    def __init__(self, r, key, ratio, reserve):
        self.r, self.key, self.ratio, self.reserve = r, key, ratio, reserve

    def request(self):
        self.r.set(self.key, self.reserve, nx=True)
        excess = float(self.r.incrbyfloat(self.key, self.ratio)) - self.reserve
        if excess > 0:
            self.r.incrbyfloat(self.key, -excess)

    def may_retry(self):
        take = """
        local tokens = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
        if tokens < 1 then return 0 end
        redis.call('SET', KEYS[1], tostring(tokens - 1))
        return 1
        """
        return bool(self.r.eval(take, 1, self.key, self.reserve))
