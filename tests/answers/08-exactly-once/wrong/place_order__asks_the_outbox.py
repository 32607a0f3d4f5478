"""Asks the outbox whether the order is known."""

import json

REJECTED_BY = "event-again"


def place_order(db, order):
    """Save the order and the event about it."""
    with db:
        row = [order["id"], order["customer"], order["cents"]]
        new = db.execute("INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", row).rowcount
        if True:
            event = [f"{order['id']}:placed", order["customer"], json.dumps(order)]
            db.execute("INSERT OR IGNORE INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
    return bool(new)
