"""Deletes each event right before it publishes it, and puts it back after an error."""

REJECTED_BY = "loses-on-kill"


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events, oldest first."""
    rows = db.execute("SELECT seq, id, key, data FROM outbox ORDER BY seq LIMIT ?", [batch]).fetchall()
    for seq, id, key, data in rows:
        with db:
            db.execute("DELETE FROM outbox WHERE seq = ?", [seq])
        try:
            r.xadd(stream, {"id": id, "key": key, "data": data})
        except Exception:
            with db:
                db.execute("INSERT INTO outbox VALUES (?, ?, ?, ?)", [seq, id, key, data])
            raise
    return len(rows)
