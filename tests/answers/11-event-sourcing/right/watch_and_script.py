"""WATCH for the append, one snapshot that only a newer one replaces, a script for the projection; a dict as state."""

import json
import secrets

import redis


class Order:
    @staticmethod
    def decide(state, command):
        do = command.get("do")
        if state is None:
            return (
                [{"type": "OrderPlaced", "total": command["total"]}] if do == "place" and command["total"] > 0 else []
            )
        open_ = state["total"] - state["paid"]
        over = {"OrderCancelled", "OrderShipped"} & set(state["marks"])
        if do == "pay" and "OrderCancelled" not in state["marks"] and 0 < command["amount"] <= open_:
            events = [{"type": "PaymentReceived", "amount": command["amount"]}]
            if command["amount"] == open_:
                events.append({"type": "OrderPaid"})
            return events
        if do == "cancel" and not over:
            refund = [{"type": "Refunded", "amount": state["paid"]}] if state["paid"] > 0 else []
            return (*refund, {"type": "OrderCancelled"})
        if do == "ship" and not over and open_ <= 0:
            return ({"type": "OrderShipped"},)
        return []

    @staticmethod
    def evolve(state, event):
        kind = event["type"]
        if kind == "OrderPlaced":
            return {"total": event["total"], "paid": 0, "marks": []}
        if kind in ("PaymentReceived", "Refunded"):
            sign = 1 if kind == "PaymentReceived" else -1
            return dict(state, paid=state["paid"] + sign * event["amount"])
        if kind in ("OrderPaid", "OrderCancelled", "OrderShipped"):
            return dict(state, marks=[*state["marks"], kind])
        raise ValueError(kind)


def _id(entry):
    return json.loads(entry[1]["event"])["id"]


def append(r, stream, expected, events):
    while True:
        with r.pipeline() as p:
            try:
                p.watch(stream)
                last = p.xrevrange(stream, count=1)
                version = int(last[0][0].split("-")[0]) if last else 0
                if version != expected:
                    there = p.xrange(stream, f"{expected + 1}-0", f"{expected + len(events)}-0") if events else []
                    mine = [_id(entry) for entry in there] == [event["id"] for event in events]
                    return expected + len(events) if events and mine else None
                if not events:
                    return expected
                p.multi()
                for n, event in enumerate(events, expected + 1):
                    p.xadd(stream, {"event": json.dumps(event)}, id=f"{n}-0")
                p.execute()
                return expected + len(events)
            except redis.WatchError:
                continue


KEEP_NEWEST = """
local old = redis.call('GET', KEYS[1])
if old and cjson.decode(old)[1] >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


def load(r, stream, evolve, upcasters, *, logic, upto=None, every=100):
    key, state, version, taken = f"{stream}:newest:{logic}", None, 0, 0
    if kept := r.get(key):
        kept_version, kept_state = json.loads(kept)
        if upto is None or kept_version <= upto:
            state, version = kept_state, kept_version
    while True:
        page = r.xrange(stream, f"({version}-0", "+" if upto is None else f"{upto}-0", count=64)
        for id, fields in page:
            event = json.loads(fields["event"])
            while (event["type"], event["v"]) in upcasters:
                event = upcasters[event["type"], event["v"]](event)
            state, version, taken = evolve(state, event), int(id[:-2]), taken + 1
        if not page:
            break
    if taken >= every:
        r.eval(KEEP_NEWEST, 1, key, version, json.dumps([version, state]))
    return [state, version]


PROJECT = """
local at = redis.call('GET', KEYS[3]) or '0'
local entries = redis.call('XRANGE', KEYS[1], '(' .. at .. '-0', '+', 'COUNT', ARGV[1])
for _, entry in ipairs(entries) do
    local event = cjson.decode(entry[2][2])
    if event.type == 'Paid' then redis.call('HINCRBY', KEYS[2], event.customer, event.cents) end
    if event.type == 'Refunded' then redis.call('HINCRBY', KEYS[2], event.customer, -event.cents) end
    redis.call('SET', KEYS[3], string.match(entry[1], '^%d+'))
end
return #entries
"""


def project(r, stream, view, limit=100):
    return r.eval(PROJECT, 3, stream, view, f"{view}:at", limit)


class Vault:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt

    def seal(self, customer, text):
        with self.r.pipeline() as p:
            p.hsetnx(self.keys, customer, secrets.token_hex(16))
            p.hget(self.keys, customer)
            return self.encrypt(bytes.fromhex(p.execute()[1]), text)

    def open(self, customer, sealed):
        key = self.r.hget(self.keys, customer)
        if key is None:
            return None
        try:
            return self.decrypt(bytes.fromhex(key), sealed)
        except ValueError:
            return None

    def forget(self, customer):
        self.r.hdel(self.keys, customer)
