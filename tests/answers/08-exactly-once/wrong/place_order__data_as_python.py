"""Writes the order as Python, not as JSON."""

REJECTED_BY = "wrong-event"


def place_order(db, order):
    """Save the order and the event about it."""
    with db:
        row = [order["id"], order["customer"], order["cents"]]
        new = db.execute("INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", row).rowcount
        if new:
            event = [f"{order['id']}:placed", order["customer"], str(order)]
            db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
    return bool(new)
