"""Takes a token and gives it back where there was none: meanwhile another worker is refused."""

REJECTED_BY = "refuses-a-token"


class RetryBudget:
    def __init__(self, r, key, ratio, reserve):
        self.r, self.key, self.ratio, self.reserve = r, key, ratio, reserve

    def request(self):
        put = """
        local tokens = tonumber(redis.call('GET', KEYS[1]) or ARGV[2])
        redis.call('SET', KEYS[1], tostring(math.min(tonumber(ARGV[2]), tokens + tonumber(ARGV[1]))))
        """
        self.r.eval(put, 1, self.key, self.ratio, self.reserve)

    def may_retry(self):
        self.r.set(self.key, self.reserve, nx=True)
        if float(self.r.incrbyfloat(self.key, -1)) < 0:
            self.r.incrbyfloat(self.key, 1)
            return False
        return True
