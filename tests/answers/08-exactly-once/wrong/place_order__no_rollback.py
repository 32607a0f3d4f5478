"""Does not roll back when the event cannot be written."""

import json
import sqlite3

REJECTED_BY = "order-without-event"


def place_order(db, order):
    """Save the order and the event about it."""
    try:
        row = [order["id"], order["customer"], order["cents"]]
        new = db.execute("INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", row).rowcount
    except sqlite3.Error:
        db.rollback()
        raise
    if new:
        event = [f"{order['id']}:placed", order["customer"], json.dumps(order)]
        db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
    db.commit()
    return bool(new)
