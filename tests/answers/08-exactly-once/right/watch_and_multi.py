"""WATCH and MULTI; explicit transactions; each event deleted as soon as it is acknowledged."""

import json

import redis


class InProgress(Exception):
    pass


class Conflict(Exception):
    pass


class Fenced(Exception):
    pass


class IdempotencyLayer:
    def __init__(self, r, prefix, *, keep_s=86_400):
        self.r, self.prefix, self.keep_s = r, prefix, keep_s

    def execute(self, key, fingerprint, fn, lease_ms):
        """Call fn once per key."""
        name = f"{self.prefix}:{key}"
        token = self.r.incr(f"{self.prefix}:token")
        mine = json.dumps([fingerprint, token])
        if not self.r.set(name, mine, nx=True, px=lease_ms):
            return self._known(name, key, fingerprint)
        try:
            outcome = ["result", fn(token)]
        except ValueError as error:
            outcome = ["refused", str(error)]
        except Exception:
            self._replace(name, mine, None)
            raise
        if not self._replace(name, mine, json.dumps([fingerprint, token, *outcome])):
            raise Fenced(key)
        return self._open(outcome)

    def _known(self, name, key, fingerprint):
        record = self.r.get(name)
        if record is None:  # it has just ended
            raise InProgress(key)
        theirs, _, *outcome = json.loads(record)
        if theirs != fingerprint:
            raise Conflict(key)
        if not outcome:
            raise InProgress(key)
        return self._open(outcome)

    def _open(self, outcome):
        kind, value = outcome
        if kind == "refused":
            raise ValueError(value)
        return value

    def _replace(self, name, mine, new):
        while True:
            with self.r.pipeline() as p:
                try:
                    p.watch(name)
                    there = p.get(name)
                    if there != mine:
                        return there == new  # a lost reply is told as a WatchError, too: it may be our own
                    p.multi()
                    if new is None:
                        p.delete(name)
                    else:
                        p.set(name, new, ex=self.keep_s)
                    p.execute()
                    return True
                except redis.WatchError:
                    continue


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`."""
    while True:
        with r.pipeline() as p:
            try:
                p.watch(key, account)
                if (known := p.get(key)) is not None:
                    return int(known)
                balance = int(p.get(account) or 0) + cents
                p.multi()
                p.set(account, balance)
                p.set(key, balance, ex=window_s)
                p.execute()
                return balance
            except redis.WatchError:
                continue


def place_order(db, order):
    """Save the order and the event about it."""
    try:
        db.execute("BEGIN IMMEDIATE")
        known = db.execute("SELECT 1 FROM orders WHERE id = ?", [order["id"]]).fetchone()
        if not known:
            event = (f"{order['id']}:placed", order["customer"], json.dumps(order))
            db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
            db.execute("INSERT INTO orders VALUES (?, ?, ?)", (order["id"], order["customer"], order["cents"]))
        db.commit()
    except BaseException:
        db.rollback()
        raise
    return 0 if known else 1


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events, oldest first."""
    rows = list(db.execute("SELECT seq, id, key, data FROM outbox ORDER BY seq LIMIT ?", [batch]))
    for seq, id, key, data in rows:
        r.xadd(stream, {"data": data, "key": key, "id": id})
        db.execute("DELETE FROM outbox WHERE seq = ?", [seq])
        db.commit()
    return len(rows)


def book_once(db, r, stream, group, me, *, count):
    """Book at most `count` entries, each event once."""
    entries = r.xreadgroup(group, me, {stream: 0}, count=count)[0][1]
    entries = entries or dict(r.xreadgroup(group, me, {stream: ">"}, count=count)).get(stream, [])
    booked = 0
    db.execute("BEGIN IMMEDIATE")  # all of them in one transaction
    try:
        for _, event in entries:
            if not db.execute("SELECT 1 FROM inbox WHERE id = ?", [event["id"]]).fetchone():
                db.execute("INSERT INTO inbox VALUES (?)", [event["id"]])
                db.execute("INSERT OR IGNORE INTO accounts VALUES (?, 0)", [event["key"]])
                cents = json.loads(event["data"])["cents"]
                db.execute("UPDATE accounts SET cents = cents + ? WHERE customer = ?", [cents, event["key"]])
                booked += 1
        db.commit()
    except BaseException:
        db.rollback()
        raise
    if entries:
        r.xack(stream, group, *(entry for entry, _ in entries))
    return booked
