"""request reads and writes in two steps, and loses what another worker put in."""

REJECTED_BY = "loses-tokens"


class RetryBudget:
    def __init__(self, r, key, ratio, reserve):
        self.r, self.key, self.ratio, self.reserve = r, key, ratio, reserve

    def request(self):
        tokens = float(self.r.get(self.key) or self.reserve)
        self.r.set(self.key, min(self.reserve, tokens + self.ratio))

    def may_retry(self):
        take = """
        local tokens = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
        if tokens < 1 then return 0 end
        redis.call('SET', KEYS[1], tostring(tokens - 1))
        return 1
        """
        return bool(self.r.eval(take, 1, self.key, self.reserve))
