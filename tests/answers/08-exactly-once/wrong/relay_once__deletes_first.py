"""Deletes, then publishes: a crash in between loses events."""

REJECTED_BY = "deletes-unpublished"


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events, oldest first."""
    rows = db.execute("SELECT seq, id, key, data FROM outbox ORDER BY seq LIMIT ?", [batch]).fetchall()
    with db:
        db.executemany("DELETE FROM outbox WHERE seq = ?", [row[:1] for row in rows])
    for _, id, key, data in rows:
        r.xadd(stream, {"id": id, "key": key, "data": data})
    return len(rows)
