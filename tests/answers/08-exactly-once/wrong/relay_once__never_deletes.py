"""Remembers in itself what it has published."""

REJECTED_BY = "not-deleted"


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events, oldest first."""
    rows = db.execute("SELECT seq, id, key, data FROM outbox ORDER BY seq LIMIT ?", [batch]).fetchall()
    for _, id, key, data in rows:
        r.xadd(stream, {"id": id, "key": key, "data": data})
    return len(rows)
