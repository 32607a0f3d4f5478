"""Moves the counts, and then writes the row: a crash in between, and they are moved twice."""

REJECTED_BY = "half-done"


def apply(r, view, event):
    row, status = f"{view}:order:{event['key']}", event["type"].removeprefix("Order").lower()
    old = r.hgetall(row)
    if event["type"] == "OrderPlaced":
        body = event["body"]
        r.hset(row, mapping={"customer": body["customer"], "total": body["total"]})
        r.zadd(f"{view}:orders:{body['customer']}", {event["key"]: event["ts_ms"]})
    if event["seq"] > int(old.get("version", 0)):
        if "status" in old:
            r.hincrby(f"{view}:counts", old["status"], -1)
        r.hincrby(f"{view}:counts", status, 1)
        r.hset(row, mapping={"version": event["seq"], "status": status})
