"""Says False when the event cannot be written."""

import json
import sqlite3

REJECTED_BY = "swallows-the-error"


def place_order(db, order):
    """Save the order and the event about it."""
    try:
        with db:
            return _place(db, order)
    except sqlite3.IntegrityError as error:
        if "CHECK" in str(error):
            raise
        return False


def _place(db, order):
    if True:
        row = [order["id"], order["customer"], order["cents"]]
        new = db.execute("INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", row).rowcount
        if new:
            event = [f"{order['id']}:placed", order["customer"], json.dumps(order)]
            db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
    return bool(new)
