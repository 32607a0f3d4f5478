"""Stops at an error of the database, and returns as if all were well."""

import json
import sqlite3

REJECTED_BY = "swallows-the-error"


def book_once(db, r, stream, group, me, *, count):
    """Book at most `count` entries, each event once."""
    booked = 0
    for which in ("0", ">"):
        read = r.xreadgroup(group, me, {stream: which}, count=count)
        entries = read[0][1] if read else []
        for entry, event in entries:
            try:
                with db:
                    if db.execute("INSERT OR IGNORE INTO inbox VALUES (?)", [event["id"]]).rowcount:
                        db.execute(
                            "INSERT INTO accounts VALUES (?, ?) ON CONFLICT (customer) DO UPDATE SET "
                            "cents = cents + excluded.cents",
                            [event["key"], json.loads(event["data"])["cents"]],
                        )
                        booked += 1
            except sqlite3.Error:
                return booked
            r.xack(stream, group, entry)
        if entries:
            break
    return booked
