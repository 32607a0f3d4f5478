"""Holds a transaction while it publishes."""

REJECTED_BY = "locks-the-shop"


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events, oldest first."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        rows = db.execute("SELECT seq, id, key, data FROM outbox ORDER BY seq LIMIT ?", [batch]).fetchall()
        for _, id, key, data in rows:
            r.xadd(stream, {"id": id, "key": key, "data": data})
        db.executemany("DELETE FROM outbox WHERE seq = ?", [row[:1] for row in rows])
    return len(rows)
