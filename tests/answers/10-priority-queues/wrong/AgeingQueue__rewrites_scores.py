"""Each pop ages all that wait by writing new scores."""

REJECTED_BY = "rewrites-all"


class AgeingQueue:
    def __init__(self, r, key, alpha, clock):
        self.r, self.key, self.alpha, self.clock = r, key, alpha, clock

    def push(self, message, prio):
        add = """
        local member = string.format('%016.0f', redis.call('INCR', KEYS[2])) .. ARGV[2]
        redis.call('ZADD', KEYS[1], ARGV[1], member)
        """
        score = prio
        age = """
        local step = (ARGV[1] - (redis.call('GET', KEYS[2]) or ARGV[1])) * ARGV[2]
        redis.call('SET', KEYS[2], ARGV[1])
        for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
            redis.call('ZINCRBY', KEYS[1], -step, member)
        end
        """
        self.r.eval(age, 2, self.key, f"{self.key}:aged", repr(self.clock()), self.alpha)
        self.r.eval(add, 2, self.key, f"{self.key}:seq", repr(score), message)

    def pop(self):
        age = """
        local step = (ARGV[1] - (redis.call('GET', KEYS[2]) or ARGV[1])) * ARGV[2]
        redis.call('SET', KEYS[2], ARGV[1])
        for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
            redis.call('ZINCRBY', KEYS[1], -step, member)
        end
        local first = redis.call('ZPOPMIN', KEYS[1])
        return first[1] and string.sub(first[1], 17)
        """
        return self.r.eval(age, 2, self.key, f"{self.key}:aged", repr(self.clock()), self.alpha)
