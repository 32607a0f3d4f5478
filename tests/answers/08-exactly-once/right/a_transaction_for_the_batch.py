"""A pipeline in MULTI for the whole batch; an account script with a hash."""


def charge_once(r, key, account, cents, *, window_s):
    """Add `cents` once per `key`; the answer is in a hash."""
    script = """
    if redis.call('HEXISTS', KEYS[1], 'balance') == 0 then
        local balance = redis.call('INCRBY', KEYS[2], ARGV[1])
        redis.call('HSET', KEYS[1], 'balance', balance)
        redis.call('EXPIRE', KEYS[1], ARGV[2])
    end
    return redis.call('HGET', KEYS[1], 'balance')
    """
    return int(r.eval(script, 2, f"{key}:answer", account, cents, window_s))


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events in one step."""
    rows = db.execute("SELECT id, key, data FROM outbox ORDER BY seq ASC LIMIT ?", (batch,)).fetchall()
    if not rows:
        return 0
    with r.pipeline(transaction=True) as p:
        for id, key, data in rows:
            p.xadd(stream, {"id": id, "key": key, "data": data})
        p.execute()
    with db:
        marks = ", ".join("?" * len(rows))
        db.execute(f"DELETE FROM outbox WHERE id IN ({marks})", [row[0] for row in rows])
    return len(rows)
