"""Notes the event as done, and then does it."""

REJECTED_BY = "half-done"


def apply(r, view, event):
    if not r.sadd(f"{view}:seen", f"{event['key']}/{event['seq']}"):
        return
    row, status = f"{view}:order:{event['key']}", event["type"].removeprefix("Order").lower()
    old = r.hgetall(row)
    with r.pipeline() as p:
        if event["type"] == "OrderPlaced":
            body = event["body"]
            p.hset(row, mapping={"customer": body["customer"], "total": body["total"]})
            p.zadd(f"{view}:orders:{body['customer']}", {event["key"]: event["ts_ms"]})
        if event["seq"] > int(old.get("version", 0)):
            if "status" in old:
                p.hincrby(f"{view}:counts", old["status"], -1)
            p.hincrby(f"{view}:counts", status, 1)
            p.hset(row, mapping={"version": event["seq"], "status": status})
        p.execute()
