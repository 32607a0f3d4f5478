"""Takes only the very next state: whoever misses one is stuck."""

REJECTED_BY = "refuses-a-step"


class StatusBoard:
    def __init__(self, r, prefix, ttl_s):
        self.r, self.prefix, self.ttl_s = r, prefix, ttl_s

    def set(self, job, state):
        script = """
        local rank = {queued = 1, running = 2, done = 3, failed = 3}
        local now = redis.call('GET', KEYS[1])
        if now and rank[now] + 1 ~= rank[ARGV[1]] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
        return 1
        """
        return bool(self.r.eval(script, 1, self.prefix + job, state, self.ttl_s))

    def get(self, job):
        state = self.r.get(self.prefix + job)
        return (200, state) if state else (404, "unknown or expired")
