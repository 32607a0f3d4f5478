"""Deletes the entry when it is booked."""

import json

REJECTED_BY = "deletes-entries"


def book_once(db, r, stream, group, me, *, count):
    """Book at most `count` entries, each event once."""
    booked = 0
    for which in ("0", ">"):
        read = r.xreadgroup(group, me, {stream: which}, count=count)
        entries = read[0][1] if read else []
        for entry, event in entries:
            with db:
                if db.execute("INSERT OR IGNORE INTO inbox VALUES (?)", [event["id"]]).rowcount:
                    db.execute(
                        "INSERT INTO accounts VALUES (?, ?) ON CONFLICT (customer) DO UPDATE SET "
                        "cents = cents + excluded.cents",
                        [event["key"], json.loads(event["data"])["cents"]],
                    )
                    booked += 1
            r.xack(stream, group, entry)
            r.xdel(stream, entry)
        if entries:
            break
    return booked
