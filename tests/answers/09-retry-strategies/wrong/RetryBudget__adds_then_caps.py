"""INCRBYFLOAT, and a SET when that is too much: in between somebody took a token."""

REJECTED_BY = "overspends"


class RetryBudget:
    def __init__(self, r, key, ratio, reserve):
        self.r, self.key, self.ratio, self.reserve = r, key, ratio, reserve

    def request(self):
        self.r.set(self.key, self.reserve, nx=True)
        if float(self.r.incrbyfloat(self.key, self.ratio)) > self.reserve:
            self.r.set(self.key, self.reserve)

    def may_retry(self):
        take = """
        local tokens = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
        if tokens < 1 then return 0 end
        redis.call('SET', KEYS[1], tostring(tokens - 1))
        return 1
        """
        return bool(self.r.eval(take, 1, self.key, self.reserve))
