"""Ranks the states by their place in a list: failed comes after done."""

REJECTED_BY = "goes-back"


class StatusBoard:
    def __init__(self, r, prefix, ttl_s):
        self.r, self.prefix, self.ttl_s = r, prefix, ttl_s

    def set(self, job, state):
        order = ["queued", "running", "done", "failed"]
        script = """
        local now = redis.call('GET', KEYS[1])
        if now and tonumber(ARGV[3]) <= ({queued = 0, running = 1, done = 2, failed = 3})[now] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
        return 1
        """
        return bool(self.r.eval(script, 1, self.prefix + job, state, self.ttl_s, order.index(state)))

    def get(self, job):
        state = self.r.get(self.prefix + job)
        return (200, state) if state else (404, "unknown or expired")
