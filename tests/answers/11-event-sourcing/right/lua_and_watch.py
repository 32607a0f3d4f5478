"""Lua for the append, a hash of snapshots, WATCH for the projection: the answers of the solution."""

import json
import secrets
from collections.abc import Callable

import redis


class Order:
    """The rules of an order."""

    @staticmethod
    def decide(state: object, command: dict) -> list[dict]:
        """The events that the command leads to; [] if it is refused."""
        total, paid, status = state or (0, 0, "none")
        match command:
            case {"do": "place", "total": t} if state is None and t > 0:
                return [{"type": "OrderPlaced", "total": t}]
            case {"do": "pay", "amount": a} if status in ("placed", "shipped") and 0 < a <= total - paid:
                return [{"type": "PaymentReceived", "amount": a}] + [{"type": "OrderPaid"}] * (a == total - paid)
            case {"do": "cancel"} if status == "placed":
                return [{"type": "Refunded", "amount": paid}] * (paid > 0) + [{"type": "OrderCancelled"}]
            case {"do": "ship"} if status == "placed" and paid >= total:
                return [{"type": "OrderShipped"}]
        return []

    @staticmethod
    def evolve(state: object, event: dict) -> object:
        """The state after the event."""
        total, paid, status = state or (0, 0, "none")
        match event["type"]:
            case "OrderPlaced":
                return event["total"], paid, "placed"
            case "PaymentReceived":
                return total, paid + event["amount"], status
            case "Refunded":
                return total, paid - event["amount"], status
            case "OrderPaid":
                return state
            case "OrderCancelled":
                return total, paid, "cancelled"
            case "OrderShipped":
                return total, paid, "shipped"
        raise ValueError(f"unknown event {event['type']}")
        ### END SOLUTION


def append(r: redis.Redis, stream: str, expected: int, events: list[dict]) -> int | None:
    """The new version, or None if the stream has not exactly `expected` events."""
    script = """
    local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
    local version = last and tonumber(string.match(last[1], '^%d+')) or 0
    local expected, count = tonumber(ARGV[1]), #ARGV - 1
    if version == expected then
        for i = 1, count do
            redis.call('XADD', KEYS[1], (expected + i) .. '-0', 'event', ARGV[i + 1])
        end
        return expected + count
    end
    if count == 0 or version < expected + count then return false end
    for i = 1, count do  -- the same call again?
        local id = (expected + i) .. '-0'
        local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
        if not entry or cjson.decode(entry[2][2])['id'] ~= cjson.decode(ARGV[i + 1])['id'] then return false end
    end
    return expected + count
    """
    return r.eval(script, 1, stream, expected, *[json.dumps(event) for event in events])
    ### END SOLUTION


def load(
    r: redis.Redis,
    stream: str,
    evolve: Callable,
    upcasters: dict,
    *,
    logic: str,
    upto: int | None = None,
    every: int = 100,
) -> tuple[object, int]:
    """(state, version) of the stream."""
    key = f"{stream}:snapshots:{logic}"  # a hash: version → state, at multiples of `every`
    known = [int(field) for field in r.hkeys(key)]
    version = max((v for v in known if upto is None or v <= upto), default=0)
    state = json.loads(r.hget(key, version)) if version else None
    end = "+" if upto is None else f"{upto}-0"
    while entries := r.xrange(stream, f"({version}-0", end, count=500):
        for id, fields in entries:
            event = json.loads(fields["event"])
            while change := upcasters.get((event["type"], event["v"])):
                event = change(event)
            state, version = evolve(state, event), int(id.split("-")[0])
            if version % every == 0 and version not in known:
                r.hset(key, version, json.dumps(state))
    return state, version
    ### END SOLUTION


def project(r: redis.Redis, stream: str, view: str, limit: int = 100) -> int:
    """Take the next events, add them to the view, and return how many there were."""
    with r.pipeline() as p:
        p.watch(view)  # all that changes the view or its checkpoint in the meantime voids what follows
        entries = r.xrange(stream, f"({p.hget(view, 'checkpoint') or 0}-0", count=limit)
        if not entries:
            return 0
        p.multi()
        for _, fields in entries:
            event = json.loads(fields["event"])
            sign = {"Paid": 1, "Refunded": -1}.get(event["type"])
            if sign:
                p.hincrby(view, event["customer"], sign * event["cents"])
        p.hset(view, "checkpoint", entries[-1][0].split("-")[0])
        try:
            p.execute()
        except redis.WatchError:
            return 0
    return len(entries)
    ### END SOLUTION


class Vault:
    """Seals texts with a key per customer, and forgets customers."""

    def __init__(self, r: redis.Redis, keys: str, encrypt: Callable, decrypt: Callable) -> None:
        self.r, self.keys, self.encrypt, self.decrypt = r, keys, encrypt, decrypt

    def seal(self, customer: str, text: str) -> str:
        """The text, sealed."""
        while not (key := self.r.hget(self.keys, customer)):  # twice, if it is forgotten at this very moment
            self.r.hsetnx(self.keys, customer, secrets.token_hex(32))
        return self.encrypt(bytes.fromhex(key), text)

    def open(self, customer: str, sealed: str) -> str | None:
        """The text, or None if nobody can read it any more."""
        key = self.r.hget(self.keys, customer)
        try:
            return self.decrypt(bytes.fromhex(key), sealed) if key else None
        except ValueError:
            return None

    def forget(self, customer: str) -> None:
        """Throw the customer's key away."""
        self.r.hdel(self.keys, customer)
        ### END SOLUTION
