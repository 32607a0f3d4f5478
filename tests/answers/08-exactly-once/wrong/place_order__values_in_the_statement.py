"""Writes the values into the SQL."""

import json

REJECTED_BY = "text-as-sql"


def place_order(db, order):
    """Save the order and the event about it."""
    with db:
        values = f"'{order['id']}', '{order['customer']}', {order['cents']}"
        new = db.execute(f"INSERT INTO orders VALUES ({values}) ON CONFLICT (id) DO NOTHING").rowcount
        if new:
            event = [f"{order['id']}:placed", order["customer"], json.dumps(order)]
            db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
    return bool(new)
