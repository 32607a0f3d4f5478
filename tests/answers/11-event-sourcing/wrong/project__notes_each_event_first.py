"""Marks each event as seen, and adds it in a second step."""

import json

REJECTED_BY = "left-out"


def project(r, stream, view, limit=100):
    at = r.get(f"{view}:at") or 0
    entries = r.xrange(stream, f"({at}-0", count=limit)
    for id, fields in entries:
        event = json.loads(fields["event"])
        sign = {"Paid": 1, "Refunded": -1}.get(event["type"])
        if r.sadd(f"{view}:seen", event["id"]) and sign:
            r.hincrby(view, event["customer"], sign * event["cents"])
    if entries:
        r.set(f"{view}:at", entries[-1][0].split("-")[0])
    return len(entries)
