"""Commits the order, then the event, and cleans up if that fails."""

import json

REJECTED_BY = "order-without-event"


def place_order(db, order):
    """Save the order and the event about it."""
    with db:
        row = [order["id"], order["customer"], order["cents"]]
        new = db.execute("INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", row).rowcount
    if new:
        try:
            with db:
                event = [f"{order['id']}:placed", order["customer"], json.dumps(order)]
                db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
        except Exception:
            with db:
                db.execute("DELETE FROM orders WHERE id = ?", [order["id"]])
            raise
    return bool(new)
