"""Closes its transaction the wrong way."""

import json

REJECTED_BY = "not-committed"


def place_order(db, order):
    """Save the order and the event about it."""
    try:
        row = [order["id"], order["customer"], order["cents"]]
        new = db.execute("INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", row).rowcount
        if new:
            event = [f"{order['id']}:placed", order["customer"], json.dumps(order)]
            db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
    finally:
        db.rollback()
    return bool(new)
