"""Scripts; what is in flight is kept by worker in one hash each, under an id of its own."""

import math

PUT = """
if redis.call('LLEN', KEYS[1]) < tonumber(ARGV[1]) then
    redis.call('RPUSH', KEYS[1], ARGV[2])
    return 1
end
return 0
"""
TAKE = """
local message = redis.call('LPOP', KEYS[1])
if not message then
    return false
end
local id = redis.call('INCR', KEYS[1] .. ':seq')
redis.call('HSET', KEYS[2], id, message)
return {id, message}
"""
FAIL = """
if redis.call('HDEL', KEYS[2], ARGV[1]) == 1 then
    redis.call('RPUSH', KEYS[1], ARGV[2])
end
"""
RECOVER = """
local ids = redis.call('HKEYS', KEYS[2])
table.sort(ids, function(a, b) return tonumber(a) > tonumber(b) end)
for _, id in ipairs(ids) do
    redis.call('LPUSH', KEYS[1], redis.call('HGET', KEYS[2], id))
end
redis.call('DEL', KEYS[2])
return #ids
"""
DONE = """
local mark = 'done, of ' .. redis.call('LLEN', KEYS[1]) .. ' in ' .. KEYS[1]
redis.call('LSET', KEYS[1], ARGV[1], mark)
redis.call('LREM', KEYS[1], 1, mark)
"""
HAND_BACK = """
local count = 0
while redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT') do
    count = count + 1
end
return count
"""


def put(r, q, item, *, max_len, deadline, clock, sleep):
    script = r.register_script(PUT)
    while True:
        last = clock() >= deadline
        if script(keys=[q], args=[max_len, item]):
            return True
        if last:
            return False
        sleep(0.03)


class ReliableWorker:
    def __init__(self, r, q, wid):
        self.r, self.q, self.wid = r, q, wid
        self.take, self.fail, self.back = (r.register_script(text) for text in (TAKE, FAIL, RECOVER))

    def _of(self, wid):
        return f"{self.q}:in-flight:{wid}"

    def put(self, item):
        self.r.rpush(self.q, item)

    def step(self, handler):
        taken = self.take(keys=[self.q, self._of(self.wid)])
        if not taken:
            return False
        id_, message = taken
        try:
            handler(message)
        except Exception:
            self.fail(keys=[self.q, self._of(self.wid)], args=[id_, message])
            raise
        self.r.hdel(self._of(self.wid), id_)
        return True

    def recover(self, dead):
        return self.back(keys=[self.q, self._of(dead)])


def workers_needed(lam, mu, target_wait):
    low, high = max(1, math.floor(lam / mu)), math.ceil(lam / mu) + 1
    while _wait(high, lam, mu) > target_wait:
        high *= 2
    while low < high:  # the wait falls with every worker, so halving finds the smallest
        middle = (low + high) // 2
        if _wait(middle, lam, mu) <= target_wait:
            high = middle
        else:
            low = middle + 1
    return low


def _wait(servers, lam, mu):
    offered = lam / mu
    if offered >= servers:
        return math.inf
    inverse = 1.0  # of Erlang's B
    for n in range(1, servers + 1):
        inverse = 1 + n * inverse / offered if offered else math.inf
    share = 1 / inverse
    return share / (1 - offered / servers * (1 - share)) / (servers * mu - lam)


def drain(r, q, mine, handler, *, deadline, clock):
    done = failed = 0
    while clock() < deadline:
        message = r.lindex(mine, failed)
        if message is None:
            break
        try:
            handler(message)
        except Exception:
            failed += 1
            continue
        r.eval(DONE, 1, mine, failed)
        done += 1
    return done, r.eval(HAND_BACK, 2, mine, q)
