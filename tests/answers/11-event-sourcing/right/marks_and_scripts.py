"""The events themselves as a state, marks for calls, snapshots that expire, scripts, and a new key to forget."""

import json
import secrets

import redis


class Order:
    """state: list of events"""

    KNOWN = {"OrderPlaced", "PaymentReceived", "OrderPaid", "Refunded", "OrderCancelled", "OrderShipped"}

    @staticmethod
    def decide(state, command):
        types = [e["type"] for e in state or []]
        total = sum(e.get("total", 0) for e in state or [])
        paid = sum(e["amount"] for e in state or [] if e["type"] == "PaymentReceived")
        refunded = sum(e["amount"] for e in state or [] if e["type"] == "Refunded")
        paid -= refunded
        placed, cancelled, shipped = (t in types for t in ("OrderPlaced", "OrderCancelled", "OrderShipped"))
        match command:
            case {"do": "place", "total": t} if not placed and t > 0:
                return [{"type": "OrderPlaced", "total": t}]
            case {"do": "pay", "amount": a} if placed and not cancelled and 0 < a <= total - paid:
                out = [{"type": "PaymentReceived", "amount": a}]
                if a == total - paid:
                    out += [{"type": "OrderPaid"}]
                return out
            case {"do": "cancel"} if placed and not cancelled and not shipped:
                return ([{"type": "Refunded", "amount": paid}] if paid > 0 else []) + [{"type": "OrderCancelled"}]
            case {"do": "ship"} if placed and paid >= total and not cancelled and not shipped:
                return [{"type": "OrderShipped"}]
        return []

    @staticmethod
    def evolve(state, event):
        if event["type"] not in Order.KNOWN:
            raise ValueError("?")
        return (state or []) + [event]


APPEND = """
local n = redis.call('XLEN', KEYS[1])
local e = tonumber(ARGV[1])
local done = redis.call('HGET', KEYS[2], ARGV[2])
if done then return tonumber(done) end
if n ~= e then return false end
for i = 3, #ARGV do redis.call('XADD', KEYS[1], (n + i - 2) .. '-0', 'event', ARGV[i]) end
if #ARGV > 2 then redis.call('HSET', KEYS[2], ARGV[2], n + #ARGV - 2) end
return n + #ARGV - 2
"""


def append(r, stream, expected, events):
    mark = json.dumps([expected] + [e["id"] for e in events])
    return r.eval(APPEND, 2, stream, f"{stream}:done", expected, mark, *[json.dumps(e) for e in events])


def events_after(r, stream, version, upto=None, page=100):
    while upto is None or version < upto:
        top = "+" if upto is None else f"{upto}-0"
        chunk = r.xrange(stream, f"{version + 1}-0", top, count=page)
        for id_, f in chunk:
            version = int(id_.split("-")[0])
            yield version, json.loads(f["event"])
        if len(chunk) < page:
            return


def lift(event, up):
    while (event["type"], event["v"]) in up:
        event = up[event["type"], event["v"]](event)
    return event


def load(r, stream, evolve, upcasters, *, logic, upto=None, every=100):
    key = f"{stream}:snapshots:{logic}"
    have = [json.loads(x) for x in r.zrevrangebyscore(key, "+inf" if upto is None else upto, 0, start=0, num=1)]
    version, state = have[0] if have else (0, None)
    start = version
    for version, event in events_after(r, stream, version, upto):
        state = evolve(state, lift(event, upcasters))
        if version - start >= every:
            r.zadd(key, {json.dumps([version, state]): version})
            start = version
            r.expire(key, 3600)
    return state, version


PROJECT = """
local at = redis.call('HGET', KEYS[2], 'checkpoint') or '0'
local es = redis.call('XRANGE', KEYS[1], '(' .. at .. '-0', '+', 'COUNT', ARGV[1])
for _, en in ipairs(es) do
  local e = cjson.decode(en[2][2])
  if e.type == 'Paid' then redis.call('HINCRBY', KEYS[2], e.customer, e.cents)
  elseif e.type == 'Refunded' then redis.call('HINCRBY', KEYS[2], e.customer, -e.cents) end
  redis.call('HSET', KEYS[2], 'checkpoint', string.match(en[1], '^%d+'))
end
return #es
"""


def project(r, stream, view, limit=100):
    return r.eval(PROJECT, 2, stream, view, limit)


class Base:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt


class Vault(Base):
    def seal(self, customer, text):
        k = self.r.eval(
            "redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) return redis.call('HGET', KEYS[1], ARGV[1])",
            1,
            self.keys,
            customer,
            secrets.token_hex(32),
        )
        return self.encrypt(bytes.fromhex(k), text)

    def open(self, customer, sealed):
        k = self.r.hget(self.keys, customer)
        try:
            return self.decrypt(bytes.fromhex(k), sealed) if k else None
        except ValueError:
            return None

    def forget(self, customer):
        self.r.hset(self.keys, customer, secrets.token_hex(32))
