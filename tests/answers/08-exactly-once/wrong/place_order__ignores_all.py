"""Uses OR IGNORE, which ignores a broken CHECK as well."""

import json

REJECTED_BY = "swallows-the-error"


def place_order(db, order):
    """Save the order and the event about it."""
    with db:
        row = [order["id"], order["customer"], order["cents"]]
        new = db.execute("INSERT OR IGNORE INTO orders VALUES (?, ?, ?)", row).rowcount
        if new:
            event = [f"{order['id']}:placed", order["customer"], json.dumps(order)]
            db.execute("INSERT INTO outbox (id, key, data) VALUES (?, ?, ?)", event)
    return bool(new)
