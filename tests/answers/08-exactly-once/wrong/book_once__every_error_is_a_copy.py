"""Takes every IntegrityError for a copy."""

import json
import sqlite3

REJECTED_BY = "loses-on-an-error"


def book_once(db, r, stream, group, me, *, count):
    """Book at most `count` entries, each event once."""
    booked = 0
    for which in ("0", ">"):
        read = r.xreadgroup(group, me, {stream: which}, count=count)
        entries = read[0][1] if read else []
        for entry, event in entries:
            try:
                with db:
                    db.execute("INSERT INTO inbox VALUES (?)", [event["id"]])
                    db.execute(
                        "INSERT INTO accounts VALUES (?, ?) ON CONFLICT (customer) DO UPDATE SET "
                        "cents = cents + excluded.cents",
                        [event["key"], json.loads(event["data"])["cents"]],
                    )
                    booked += 1
            except sqlite3.IntegrityError:
                pass  # a copy
            r.xack(stream, group, entry)
        if entries:
            break
    return booked
