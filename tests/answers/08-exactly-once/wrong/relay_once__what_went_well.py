"""Deletes what went well, and says nothing of the rest."""

REJECTED_BY = "hides-broker-errors"


def relay_once(db, r, stream, *, batch):
    """Publish at most `batch` events, oldest first."""
    rows = db.execute("SELECT seq, id, key, data FROM outbox ORDER BY seq LIMIT ?", [batch]).fetchall()
    with r.pipeline() as p:
        for _, id, key, data in rows:
            p.xadd(stream, {"id": id, "key": key, "data": data})
        replies = p.execute(raise_on_error=False)
    rows = [row for row, reply in zip(rows, replies, strict=True) if isinstance(reply, str)]
    with db:
        db.executemany("DELETE FROM outbox WHERE seq = ?", [row[:1] for row in rows])
    return len(rows)
