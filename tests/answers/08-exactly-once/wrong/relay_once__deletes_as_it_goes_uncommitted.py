"""Deletes after each publish and commits at the end: locked meanwhile."""

REJECTED_BY = "locks-the-shop"


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events, oldest first."""
    rows = db.execute("SELECT seq, id, key, data FROM outbox ORDER BY seq LIMIT ?", [batch]).fetchall()
    with db:
        for seq, id, key, data in rows:
            r.xadd(stream, {"id": id, "key": key, "data": data})
            db.execute("DELETE FROM outbox WHERE seq = ?", [seq])
    return len(rows)
