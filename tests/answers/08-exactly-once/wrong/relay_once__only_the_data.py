"""Publishes the data without id and key."""

REJECTED_BY = "wrong-entry"


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events, oldest first."""
    rows = db.execute("SELECT seq, id, key, data FROM outbox ORDER BY seq LIMIT ?", [batch]).fetchall()
    for _, id, key, data in rows:
        r.xadd(stream, {"data": data})
    with db:
        db.executemany("DELETE FROM outbox WHERE seq = ?", [row[:1] for row in rows])
    return len(rows)
