"""Cleans up after a day: and the bucket is full again."""

REJECTED_BY = "expires"


class RetryBudget:
    def __init__(self, r, key, ratio, reserve):
        self.r, self.key, self.ratio, self.reserve = r, key, ratio, reserve

    def request(self):
        put = """
        local tokens = tonumber(redis.call('GET', KEYS[1]) or ARGV[2])
        redis.call('SET', KEYS[1], tostring(math.min(tonumber(ARGV[2]), tokens + tonumber(ARGV[1]))), 'EX', 86400)
        """
        self.r.eval(put, 1, self.key, self.ratio, self.reserve)

    def may_retry(self):
        take = """
        local tokens = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
        if tokens < 1 then return 0 end
        redis.call('SET', KEYS[1], tostring(tokens - 1), 'EX', 86400)
        return 1
        """
        return bool(self.r.eval(take, 1, self.key, self.reserve))
