"""Gives each entry the seq as its id, and takes every refusal for a copy."""

import redis

REJECTED_BY = "deletes-unpublished"


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events, oldest first."""
    rows = db.execute("SELECT seq, id, key, data FROM outbox ORDER BY seq LIMIT ?", [batch]).fetchall()
    for seq, id, key, data in rows:
        try:
            r.xadd(stream, {"id": id, "key": key, "data": data}, id=f"0-{seq}")
        except redis.ResponseError:
            pass  # it was there
    with db:
        db.executemany("DELETE FROM outbox WHERE seq = ?", [row[:1] for row in rows])
    return len(rows)
