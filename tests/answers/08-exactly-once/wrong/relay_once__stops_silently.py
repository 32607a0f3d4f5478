"""Returns what it has published so far when the broker fails."""

import redis

REJECTED_BY = "hides-broker-errors"


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events, oldest first."""
    rows = db.execute("SELECT seq, id, key, data FROM outbox ORDER BY seq LIMIT ?", [batch]).fetchall()
    published = 0
    for seq, id, key, data in rows:
        try:
            r.xadd(stream, {"id": id, "key": key, "data": data})
        except redis.RedisError:
            break
        published += 1
        with db:
            db.execute("DELETE FROM outbox WHERE seq = ?", [seq])
    return published
