"""Lua scripts; events deleted in one statement at the end."""

import json


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    script = """
    local known = redis.call('GET', KEYS[1])
    if known then return tonumber(known) end
    local balance = redis.call('INCRBY', KEYS[2], ARGV[1])
    redis.call('SET', KEYS[1], balance, 'EX', ARGV[2])
    return balance
    """
    return r.eval(script, 2, key, account, cents, window_s)


class InProgress(Exception):
    pass


class Conflict(Exception):
    pass


class Fenced(Exception):
    pass


BEGIN = """
local seen = redis.call('HMGET', KEYS[1], 'fingerprint', 'outcome')
if seen[1] then
    if seen[1] ~= ARGV[1] then return {'conflict', ''} end
    return seen[2] and {'done', seen[2]} or {'in progress', ''}
end
local token = redis.call('INCR', KEYS[2])
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'token', token)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {'yours', token}
"""
FINISH = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'outcome', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
RELEASE = "if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('DEL', KEYS[1]) end"


class IdempotencyLayer:
    def __init__(self, r, prefix, *, keep_s=86_400):
        self.r, self.prefix, self.keep_s = r, prefix, keep_s

    def execute(self, key, fingerprint, fn, lease_ms):
        """Call fn once per key."""
        record = f"{self.prefix}:{key}"
        state, value = self.r.eval(BEGIN, 2, record, f"{self.prefix}|tokens", fingerprint, lease_ms)
        if state == "conflict":
            raise Conflict(key)
        if state == "in progress":
            raise InProgress(key)
        if state == "done":
            outcome = json.loads(value)
            if "refused" in outcome:
                raise ValueError(outcome["refused"])
            return outcome["result"]
        try:
            outcome = {"result": fn(value)}
        except ValueError as error:
            outcome = {"refused": str(error)}
        except Exception:
            self.r.eval(RELEASE, 1, record, value)
            raise
        if not self.r.eval(FINISH, 1, record, value, json.dumps(outcome), self.keep_s):
            raise Fenced(key)
        if "refused" in outcome:
            raise ValueError(outcome["refused"])
        return outcome["result"]


def place_order(db, order):
    """Save the order and the event about it."""
    with db:
        row = [order["id"], order["customer"], order["cents"]]
        new = db.execute("INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", row).rowcount
        if new:
            event = [f"{order['id']}:placed", order["customer"], json.dumps(order)]
            db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
    return bool(new)


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events, oldest first."""
    rows = db.execute("SELECT seq, id, key, data FROM outbox ORDER BY seq LIMIT ?", [batch]).fetchall()
    for _, id, key, data in rows:
        r.xadd(stream, {"id": id, "key": key, "data": data})
    with db:
        db.executemany("DELETE FROM outbox WHERE seq = ?", [row[:1] for row in rows])
    return len(rows)


def book_once(db, r, stream, group, me, *, count):
    """Book at most `count` entries, each event once."""
    booked = 0
    for which in ("0", ">"):
        read = r.xreadgroup(group, me, {stream: which}, count=count)
        entries = read[0][1] if read else []
        for entry, event in entries:
            with db:
                if db.execute("INSERT OR IGNORE INTO inbox VALUES (?)", [event["id"]]).rowcount:
                    db.execute(
                        "INSERT INTO accounts VALUES (?, ?) ON CONFLICT (customer) DO UPDATE SET "
                        "cents = cents + excluded.cents",
                        [event["key"], json.loads(event["data"])["cents"]],
                    )
                    booked += 1
            r.xack(stream, group, entry)
        if entries:
            break
    return booked
