"""Overwrites the order that is there."""

import json

REJECTED_BY = "changes-the-order"


def place_order(db, order):
    """Save the order and the event about it."""
    with db:
        row = [order["id"], order["customer"], order["cents"]]
        new = not db.execute("SELECT 1 FROM orders WHERE id = ?", row[:1]).fetchone()
        db.execute("INSERT OR REPLACE INTO orders VALUES (?, ?, ?)", row)
        if new:
            event = [f"{order['id']}:placed", order["customer"], json.dumps(order)]
            db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
    return bool(new)
