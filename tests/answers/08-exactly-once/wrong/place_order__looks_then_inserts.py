"""Looks for the order first; another press comes in between."""

import json

REJECTED_BY = "falls-over-a-rival"


def place_order(db, order):
    """Save the order and the event about it."""
    if db.execute("SELECT 1 FROM orders WHERE id = ?", [order["id"]]).fetchone():
        return False
    with db:
        row = [order["id"], order["customer"], order["cents"]]
        new = db.execute("INSERT INTO orders VALUES (?, ?, ?)", row).rowcount
        if new:
            event = [f"{order['id']}:placed", order["customer"], json.dumps(order)]
            db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
    return bool(new)
