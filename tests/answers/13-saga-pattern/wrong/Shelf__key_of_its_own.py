"""Keeps its notes in one key for all shelves."""

SHELF = """
local verb, saga, count, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local taken, mine, mine_n = 0, 'unknown', 0
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
    local state, n, expiry = string.match(all[i + 1], '(%S+) (%S+) (%S+)')
    if state == 'held' and tonumber(expiry) <= now then
        state = 'over'
        redis.call('HSET', KEYS[1], all[i], 'over 0 0')
    end
    if state ~= 'over' then taken = taken + tonumber(n) end
    if all[i] == saga then mine, mine_n = state, n end
end
if verb == 'free' then return count - taken end
if verb == 'reserve' and mine == 'unknown' and taken + tonumber(ARGV[5]) <= count then
    redis.call('HSET', KEYS[1], saga, 'held ' .. ARGV[5] .. ' ' .. ARGV[6])
    return 1
end
if verb == 'confirm' and mine == 'held' then
    redis.call('HSET', KEYS[1], saga, 'sold ' .. mine_n .. ' ' .. ARGV[6])
    return 1
end
if verb == 'release' and mine ~= 'sold' then
    redis.call('HSET', KEYS[1], saga, 'over 0 0')
    return 0
end
if mine == 'sold' or verb == 'reserve' and mine == 'held' then return 1 end
return 0
"""

REJECTED_BY = "keys-elsewhere"


class Shelf:
    def __init__(self, r, key, *, count, hold_s, clock):
        self.r, self.key, self.count, self.hold_s, self.clock = r, key, count, hold_s, clock

    def _ask(self, verb, saga="", n=0):
        now = self.clock()
        return self.r.eval(SHELF, 1, "shelf", verb, saga, self.count, repr(now), n, repr(now + self.hold_s))

    def reserve(self, saga, n):
        return self._ask("reserve", saga, n) == 1

    def confirm(self, saga):
        return self._ask("confirm", saga) == 1

    def release(self, saga):
        self._ask("release", saga)

    def free(self):
        return self._ask("free")
