"""Commits the event, then the order."""

import json

REJECTED_BY = "event-without-order"


def place_order(db, order):
    """Save the order and the event about it."""
    if db.execute("SELECT 1 FROM orders WHERE id = ?", [order["id"]]).fetchone():
        return False
    with db:
        event = [f"{order['id']}:placed", order["customer"], json.dumps(order)]
        db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
    with db:
        db.execute("INSERT INTO orders (id, customer, cents) VALUES (:id, :customer, :cents)", order)
    return True
