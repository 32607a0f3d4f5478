"""A plan by two passes, a saga that replays like the lesson's, scripts for the rest."""

REACT = """
redis.call('HSET', KEYS[1], ARGV[1], 1)
local function has(name) return redis.call('HEXISTS', KEYS[1], name) == 1 end
local function once(command)
    if redis.call('HSETNX', KEYS[1], command, 1) == 1 then
        redis.call('XADD', KEYS[2], '*', 'type', command, 'corr', ARGV[2])
    end
end
if has('ShipOrder') then return end
if has('OutOfStock') or has('PaymentFailed') or has('OrderCancelled') then
    once('CancelOrder')
    if has('StockReserved') then once('ReleaseStock') end
    if has('PaymentAuthorised') then once('RefundPayment') end
elseif has('StockReserved') and has('PaymentAuthorised') then
    once('ShipOrder')
end
"""
KNOWN = {"StockReserved", "OutOfStock", "PaymentAuthorised", "PaymentFailed", "OrderCancelled"}

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
    redis.call('HSET', KEYS[1], saga, 'sold ' .. mine_n .. ' 0')
    return 1
end
if verb == 'release' and mine ~= 'sold' then
    redis.call('HSET', KEYS[1], saga, 'over 0 0')
    return 0
end
if mine == 'sold' or verb == 'reserve' and mine == 'held' then return 1 end
return 0
"""


def turned_back(log, pivot):
    for place, (_, state) in enumerate(log):
        if state in ("abort", "refused") and (pivot, "done") not in log[:place]:
            return True
    return False


def plan(log, steps, pivot):
    def last(step):
        return next((state for name, state in reversed(log) if name == step), None)

    if turned_back(log, pivot):
        for step in steps[::-1]:
            if last(step) not in (None, "refused", "undone", "later"):
                return ["undo", step]
        return ["end", "cancelled"]
    for step in steps:
        if last(step) != "done":
            return ["do", step]
    return ["end", "completed"]


def run_saga(r, log, corr, plan, call):
    def ask(verb, step):
        for _ in range(3):
            try:
                return call(verb, step, corr + ":" + step)
            except TimeoutError as error:
                silence = error
        raise silence

    def look():
        return plan([[fields["step"], fields["state"]] for _, fields in r.xrange(log)])

    action = look()
    while action[0] != "end":
        r.xadd(log, {"step": action[1], "state": {"do": "doing", "undo": "undoing"}[action[0]]})
        try:
            r.xadd(log, {"step": action[1], "state": ask(*action)})
            action = look()
        except TimeoutError:
            if action[0] == "undo":
                raise
            r.xadd(log, {"step": "saga", "state": "abort"})
            before, action = action, look()
            if action == before:
                raise
    return action[1]


def on_event(r, event, *, orders, commands):
    if event["type"] in KNOWN:
        r.eval(REACT, 2, f"{orders}:{event['corr']}", commands, event["type"], event["corr"])


class Shelf:
    def __init__(self, r, key, *, count, hold_s, clock):
        self.r, self.key, self.count, self.hold_s, self.clock = r, key, count, hold_s, clock

    def _ask(self, verb, saga="", n=0):
        now = self.clock()
        return self.r.eval(SHELF, 1, self.key, verb, saga, self.count, repr(now), n, repr(now + self.hold_s))

    def reserve(self, saga, n):
        return self._ask("reserve", saga, n) == 1

    def confirm(self, saga):
        return self._ask("confirm", saga) == 1

    def release(self, saga):
        self._ask("release", saga)

    def free(self):
        return self._ask("free")
