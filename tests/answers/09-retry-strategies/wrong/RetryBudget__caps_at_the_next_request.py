"""Lets the bucket overflow, and a second step lowers it: whoever dies in between leaves too much."""

REJECTED_BY = "no-ceiling"


class RetryBudget:
    def __init__(self, r, key, ratio, reserve):
        self.r, self.key, self.ratio, self.reserve = r, key, ratio, reserve

    def request(self):
        self.r.set(self.key, self.reserve, nx=True)
        self.r.incrbyfloat(self.key, self.ratio)
        lower = """
        if tonumber(redis.call('GET', KEYS[1])) > tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
        """
        self.r.eval(lower, 1, self.key, self.reserve)

    def may_retry(self):
        take = """
        local tokens = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
        if tokens < 1 then return 0 end
        redis.call('SET', KEYS[1], tostring(tokens - 1))
        return 1
        """
        return bool(self.r.eval(take, 1, self.key, self.reserve))
