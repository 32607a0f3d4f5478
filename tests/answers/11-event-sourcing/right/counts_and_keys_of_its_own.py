"""The number of events as checkpoint, a key per snapshot, ids of events beside the stream; the state is the history."""

import json
import secrets

import redis

TYPES = {"OrderPlaced", "PaymentReceived", "OrderPaid", "Refunded", "OrderCancelled", "OrderShipped"}


class Order:
    """The state is the history itself."""

    @staticmethod
    def decide(state, command):
        history = state or ()
        kinds = [kind for kind, _ in history]
        total = sum(number for kind, number in history if kind == "OrderPlaced")
        paid = sum(number if kind == "PaymentReceived" else -number for kind, number in history if kind in
                   ("PaymentReceived", "Refunded"))  # fmt: skip
        if command["do"] == "place":
            return [{"type": "OrderPlaced", "total": command["total"]}] if not kinds and command["total"] > 0 else []
        if not kinds or "OrderCancelled" in kinds:
            return []
        if command["do"] == "pay" and 0 < command["amount"] <= total - paid:
            done = [{"type": "OrderPaid"}] if paid + command["amount"] == total else []
            return [{"type": "PaymentReceived", "amount": command["amount"]}] + done
        if "OrderShipped" in kinds:
            return []
        if command["do"] == "cancel":
            return ([{"type": "Refunded", "amount": paid}] if paid > 0 else []) + [{"type": "OrderCancelled"}]
        return [{"type": "OrderShipped"}] if command["do"] == "ship" and paid >= total else []

    @staticmethod
    def evolve(state, event):
        if event["type"] not in TYPES:
            raise ValueError(event)
        return (*(state or ()), (event["type"], event.get("total", event.get("amount", 0))))


APPEND = """
local have = redis.call('XLEN', KEYS[1])
local expected, new = tonumber(ARGV[1]), cjson.decode(ARGV[2])
if have == expected then
    for i, event in ipairs(new) do redis.call('XADD', KEYS[1], expected + i .. '-0', 'event', event[2]) end
    for i, event in ipairs(new) do redis.call('HSET', KEYS[2], expected + i, event[1]) end
    return expected + #new
end
for i, event in ipairs(new) do
    if redis.call('HGET', KEYS[2], expected + i) ~= event[1] then return false end
end
if #new == 0 then return false end
return expected + #new
"""


def append(r, stream, expected, events):
    pairs = json.dumps([[event["id"], json.dumps(event)] for event in events])
    return r.eval(APPEND, 2, stream, f"{stream}:ids", expected, pairs if events else "{}")


def load(r, stream, evolve, upcasters, *, logic, upto=None, every=100):
    version = r.xlen(stream)
    end = version if upto is None else min(upto, version)
    for start in range(end - end % every, -1, -every):
        kept = r.get(f"{stream}:at:{logic}:{start}") if start else json.dumps(None)
        if kept is not None:
            break
    state, at = json.loads(kept), start
    while at < end:
        for id, fields in r.xrange(stream, f"({at}-0", f"{end}-0", count=every - at % every):
            event, at = json.loads(fields["event"]), int(id.split("-")[0])
            while (event["type"], event["v"]) in upcasters:
                event = upcasters[event["type"], event["v"]](event)
            state = evolve(state, event)
        if at % every == 0:
            r.set(f"{stream}:at:{logic}:{at}", json.dumps(state))
    return state, at


def project(r, stream, view, limit=100):
    while True:
        with r.pipeline() as p:
            p.watch(f"{view}:at", view)
            at = int(p.get(f"{view}:at") or 0)
            entries = p.xrange(stream, f"{at + 1}-0", f"{at + limit}-0")
            if not entries:
                return 0
            p.multi()
            p.incrby(f"{view}:at", len(entries))
            for _, fields in entries:
                event = json.loads(fields["event"])
                if event["type"] in ("Paid", "Refunded"):
                    p.hincrby(view, event["customer"], event["cents"] * (1 if event["type"] == "Paid" else -1))
            try:
                p.execute()
            except redis.WatchError:
                continue
            return len(entries)


class Vault:
    def __init__(self, r, keys, encrypt, decrypt):
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt

    def seal(self, customer, text):
        script = "redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) return redis.call('HGET', KEYS[1], ARGV[1])"
        return self.encrypt(bytes.fromhex(self.r.eval(script, 1, self.keys, customer, secrets.token_hex(32))), text)

    def open(self, customer, sealed):
        key = self.r.hget(self.keys, customer) or "00" * 32
        try:
            return self.decrypt(bytes.fromhex(key), sealed)
        except ValueError:
            return None

    def forget(self, customer):
        self.r.hdel(self.keys, customer)
