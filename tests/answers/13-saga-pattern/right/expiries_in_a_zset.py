"""A counter and a sorted set of expiries; `transaction` for the join; a key made of the log, an intent for each try."""

import json

GOOD = {"StockReserved": "ReleaseStock", "PaymentAuthorised": "RefundPayment"}
BAD = {"OutOfStock", "PaymentFailed", "OrderCancelled"}

SHELF = """
local key, verb, saga, n = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local count, now, hold = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local last = redis.call('HGET', key, 'clock')
if last and tonumber(last) > now then now = tonumber(last) else redis.call('HSET', key, 'clock', ARGV[5]) end
local function state(name) return redis.call('HGET', key .. ':state', name) end
local function give_back(name, word)
    redis.call('HINCRBY', key, 'taken', -tonumber(redis.call('HGET', key .. ':pieces', name)))
    redis.call('ZREM', key .. ':expiry', name)
    redis.call('HSET', key .. ':state', name, word)
end
for _, name in ipairs(redis.call('ZRANGEBYSCORE', key .. ':expiry', '-inf', string.format('%.17g', now))) do
    give_back(name, 'over')
end
local mine, taken = state(saga), tonumber(redis.call('HGET', key, 'taken') or 0)
if verb == 'free' then return count - taken end
if verb == 'reserve' and not mine and taken + n <= count then
    redis.call('HINCRBY', key, 'taken', n)
    redis.call('HSET', key .. ':pieces', saga, n)
    redis.call('HSET', key .. ':state', saga, 'held')
    redis.call('ZADD', key .. ':expiry', string.format('%.17g', now + hold), saga)
elseif verb == 'confirm' and mine == 'held' then
    redis.call('ZREM', key .. ':expiry', saga)
    redis.call('HSET', key .. ':state', saga, 'sold')
elseif verb == 'release' and mine == 'held' then
    give_back(saga, 'over')
elseif verb == 'release' and not mine then
    redis.call('HSET', key .. ':state', saga, 'over')
end
local now_is = state(saga)
if now_is == 'sold' or verb == 'reserve' and now_is == 'held' then return 1 end
return 0
"""


def plan(log, steps, pivot):
    history = {step: [] for step in steps}
    back = passed = False
    for step, state in log:
        if step != "saga":
            history[step].append(state)
        passed = passed or (step, state) == (pivot, "done") and not back
        back = back or state in ("abort", "refused") and not passed
    if back:
        left = [step for step in steps if history[step] and history[step][-1] not in ("refused", "undone")]
        return ["undo", left[-1]] if left else ["end", "cancelled"]
    return next((["do", step] for step in steps if history[step][-1:] != ["done"]), ["end", "completed"])


def run_saga(r, log, corr, plan, call):
    def read():
        return [(entry["step"], entry["state"]) for _, entry in r.xrange(log)]

    verb, step = action = plan(read())
    silences = 0
    while verb != "end":
        r.xadd(log, {"step": step, "state": f"{verb}ing"})
        try:
            r.xadd(log, {"step": step, "state": call(verb, step, json.dumps([log, step]))})
        except TimeoutError:
            silences += 1
            if silences < 3:
                continue
            if verb == "undo":
                raise
            r.xadd(log, {"step": "saga", "state": "abort"})
            if tuple(plan(read())) == tuple(action):
                raise
        silences, action = 0, plan(read())
        verb, step = action
    return step


def on_event(r, event, *, orders, commands):
    kind, corr = event["type"], event["corr"]
    if kind not in GOOD and kind not in BAD:
        return
    key = f"{orders}:{corr}"

    def react(both):
        notes = {*both.hkeys(key), kind}
        new = set()
        if notes & BAD and "ShipOrder" not in notes:
            new = {"CancelOrder", *(undo for good, undo in GOOD.items() if good in notes)} - notes
        elif notes >= set(GOOD):
            new = {"ShipOrder"} - notes
        both.multi()
        both.hset(key, mapping=dict.fromkeys([kind, *new], 1))
        for command in new:
            both.xadd(commands, {"type": command, "corr": corr})

    r.transaction(react, key)


class Shelf:
    def __init__(self, r, key, *, count, hold_s, clock):
        self.r, self.key, self.count, self.hold_s, self.clock = r, key, count, hold_s, clock

    def _ask(self, verb, saga="", n=0):
        return self.r.eval(SHELF, 1, self.key, verb, saga, n, self.count, repr(self.clock()), self.hold_s)

    def reserve(self, saga, n):
        return self._ask("reserve", saga, n) == 1

    def confirm(self, saga):
        return self._ask("confirm", saga) == 1

    def release(self, saga):
        self._ask("release", saga)

    def free(self):
        return self._ask("free")
