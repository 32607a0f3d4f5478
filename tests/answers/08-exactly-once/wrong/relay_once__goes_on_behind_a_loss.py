"""Goes on with the next event when one fails."""

import redis

REJECTED_BY = "overtakes"


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events, oldest first."""
    rows = db.execute("SELECT seq, id, key, data FROM outbox ORDER BY seq LIMIT ?", [batch]).fetchall()
    failed = None
    for seq, id, key, data in rows:
        try:
            r.xadd(stream, {"id": id, "key": key, "data": data})
        except redis.RedisError as error:
            failed = error
            continue
        with db:
            db.execute("DELETE FROM outbox WHERE seq = ?", [seq])
    if failed:
        raise failed
    return len(rows)
